"""The catalogues: compiled, complete for applicants, with the same placeholders and tags as the English text."""

import re
from collections import Counter

import polib
import pytest
from django.conf import settings
from django.template.loader import render_to_string

from tests.translations import (
    LANGUAGES,
    MACHINE_MADE,
    Text,
    catalogue,
    gathered,
    in_module,
    in_template,
    main,
    missing,
    path_of,
    renewed,
    wanted,
)

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd%]|</?[a-z][^>]*>")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalogue_is_that_of_the_readable_one(language):
    # make messages
    assert path_of(language).with_suffix(".mo").read_bytes() == catalogue(language).to_binary()


@pytest.mark.parametrize("language", LANGUAGES)
def test_applicants_read_nothing_untranslated(language):
    assert [(one.text, sorted(one.places)) for one in missing(language)] == []


def mismatches(entry: polib.POEntry) -> list[str]:
    """The translations that name other placeholders or tags than the English text; one or two may go unnamed."""
    if not entry.msgid_plural:
        same = Counter(PLACEHOLDER.findall(entry.msgid)) == Counter(PLACEHOLDER.findall(entry.msgstr))
        return [] if same or not entry.msgstr else [entry.msgstr]
    known = set(PLACEHOLDER.findall(entry.msgid + entry.msgid_plural))
    forms = entry.msgstr_plural.items()
    few = 3 if len(forms) > 2 else 1  # Arabic has forms of their own for none, one and two
    return [
        text
        for number, text in forms
        if text and not ((found := set(PLACEHOLDER.findall(text))) == known or (number < few and found < known))
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_name_the_same_placeholders_and_tags(language):
    assert {entry.msgid: wrong for entry in catalogue(language) if (wrong := mismatches(entry))} == {}


def test_another_placeholder_is_seen():
    entry = polib.POEntry(msgid='%(count)d <a href="%(door)s">of</a> it', msgstr='%(count)d <a href="%(dor)s">x</a>')
    counted = polib.POEntry(msgid="%(n)s key", msgid_plural="%(n)s keys", msgstr_plural={0: "one", 1: "keys"})
    assert (mismatches(entry), mismatches(counted)) == ([entry.msgstr], ["keys"])


def test_the_languages_of_the_settings_have_catalogues():
    assert [code for code, _ in settings.LANGUAGES] == ["en", *LANGUAGES]


def test_pages_say_that_a_machine_translated_them_as_long_as_the_catalogues_do(rf):
    unreviewed = [language for language in LANGUAGES if catalogue(language).metadata["X-Translation"] == MACHINE_MADE]
    told = "translated by a machine" in render_to_string("languages.html", request=rf.get("/"))
    assert told == bool(unreviewed)


def test_marks_of_templates_are_found():
    template = """{% load i18n %}{% translate "Sign in" %} {% translate 'on' context "second factor" %}
    {% blocktranslate trimmed with a=b %}
      100% of <b>{{ a }}</b>
    {% endblocktranslate %}{% blocktranslate count n=n %}{{ n }} key{% plural %}{{ n }} keys{% endblocktranslate %}
    {{ x|default:_("none") }}{% comment %}{% translate "not this" %}{% endcomment %}"""
    assert list(in_template(template)) == [
        Text("Sign in"),
        Text("on", context="second factor"),
        Text("100%% of <b>%(a)s</b>"),
        Text("%(n)s key", plural="%(n)s keys"),
        Text("none"),
    ]


def test_marks_of_modules_are_found():
    module = '_("one " "two")\nngettext("%d day", "%d days", n)\npgettext_lazy("month", "May")\nother("no")\n'
    assert list(in_module(module)) == [Text("one two"), Text("%d day", plural="%d days"), Text("May", context="month")]


def test_what_is_put_together_cannot_be_translated():
    with pytest.raises(SystemExit, match="line 1: only a plain string"):
        list(in_module('_(f"{count} days")'))


def test_what_only_the_console_says_may_wait():
    texts = gathered()
    assert not Text("x", places={"templates/admin/base.html"}).for_applicants
    assert not Text("x", places={"templates/console/plot.html"}).for_applicants
    assert texts[None, "Sign out"].for_applicants


def test_what_is_said_no_more_is_kept_aside_and_comes_back():
    texts = wanted("ur")
    gone = texts.pop((None, "Sign out"))
    without = renewed("ur", texts)
    (kept,) = [entry for entry in without.obsolete_entries() if entry.msgid == gone.text]
    assert (kept.msgstr, without.find(gone.text)) == (catalogue("ur").find(gone.text).msgstr, None)


def test_asking_only_what_is_missing_writes_nothing(capsys):
    before = path_of("ur").read_bytes()
    assert (main(["--missing"]), main(["--other"])) == (0, 2)
    assert path_of("ur").read_bytes() == before
    assert capsys.readouterr().out == "".join(f"{name}: 0 missing of what applicants read\n" for name in LANGUAGES)
