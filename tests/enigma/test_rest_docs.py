"""The docs page, and what every page says about what a browser may do with it."""

from html.parser import HTMLParser

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "font-src": "'self'",
    "connect-src": "'self'",
    "img-src": "'self' data:",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}


class Page(HTMLParser):
    """Collects what a page loads, links to and says inline."""

    def __init__(self, text):
        super().__init__()
        self.loaded, self.linked, self.inline, self.open = [], [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        named = dict(attrs)
        self.open = tag
        self.loaded += [named["src"]] if "src" in named else [named["href"]] if tag == "link" else []
        self.linked += [named["href"]] if tag == "a" else []
        self.inline += [name for name in named if name == "style" or name.startswith("on")]

    def handle_data(self, data):
        if self.open in {"script", "style"} and data.strip():
            self.inline.append(data)

    def handle_endtag(self, tag):
        self.open = ""


def docs():
    return Client().get("/api/docs/", secure=True)


def test_all_that_the_page_loads_is_ours():
    page = Page(docs().content.decode())
    assert len(page.loaded) == 5
    assert [name for name in page.loaded if not finders.find(name.removeprefix("/static/"))] == []


def test_the_page_says_nothing_inline():
    assert Page(docs().content.decode()).inline == []


def test_without_javascript_the_page_leads_to_the_schema():
    text = docs().content.decode()
    assert Page(text[text.index("<noscript>") : text.index("</noscript>")]).linked == ["/api/schema/"]


@pytest.mark.parametrize("path", ["/api/docs/", "/livez", "/nothing", "/api/v1/nothing"])
def test_every_answer_binds_the_browser(path):
    headers = Client().get(path, secure=True).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy == POLICY
    names = ("Referrer-Policy", "Cross-Origin-Opener-Policy", "X-Frame-Options", "X-Content-Type-Options")
    assert [headers[name] for name in names] == ["same-origin", "same-origin", "DENY", "nosniff"]


@pytest.mark.django_db  # closing the answer looks at the connection
def test_static_files_are_bound_too():
    answer = Client().get("/static/enigma/api-docs.js", secure=True)
    assert (answer.status_code, "Content-Security-Policy" in answer.headers) == (200, True)
    answer.close()
