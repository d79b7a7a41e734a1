"""The whole way of an applicant in a real browser, by clicks alone: from the start page to the answer of a review."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.utils import timezone

from admissions.models.applications import Application
from admissions.models.reviews import ReviewRequest
from admissions.reviews import answer_review
from tests.browser.harness import assert_sound, weight
from tests.browser.modes import PLAIN, Mode
from tests.browser.people import DOOR
from tests.factories import applicants, apply, cycle, lead, omar, submitted
from tests.writers import TYPED

pytestmark = pytest.mark.timeout(300)
TASKS, CHECK = "/apply/fall-2026/", "/apply/fall-2026/check/"
CROWD = 24  # enough people that the figures of the cycle are told
WAYS = (PLAIN, Mode(width=320, language="ur", scripts=False), Mode("dark", 320, "ar"))


class Walk:
    """One person on their way, who goes where links and buttons lead, and looks at each page."""

    def __init__(self, visitor, mode):
        self.visitor, self.mode = visitor, mode
        self.page = visitor.page("/", mode)
        self.reference = ""

    def look(self, name):
        """Ask of the page what is asked of all."""
        assert_sound(self.page, f"way-{name}", self.mode, visitor=self.visitor)

    def follow(self, path):
        """Click the link in the text that leads there."""
        self.page.locator(f"main a[href='{path}'], main a[href^='{path}?']").first.click()
        self.page.wait_for_url(lambda url: urlsplit(url).path == path)

    def send(self):
        """Press the first button of the text."""
        self.page.locator("main form button[type=submit]").first.click()

    def own(self, rest=""):
        """The address of a page of one's application."""
        return f"/applications/{self.reference}/{rest}"


@pytest.mark.parametrize("mode", WAYS, ids=str)
def test_an_applicant_goes_from_the_start_to_the_answer_of_a_review(person, mode):
    seats = 3 if mode.scripts else 2  # one place for her, or none
    one = cycle(seats=seats, closes_at=timezone.now() + timedelta(days=9))
    apply(one, applicants(CROWD))
    walk = Walk(person("amina@example.org"), mode)
    sign_up(walk)
    write(walk)
    hand_in(walk)
    change(walk)
    wait_for_the_result(walk, one)
    read_the_decision(walk)
    ask_for_a_review(walk)
    check_it(walk)
    assert Application.objects.count() == CROWD + 1


def sign_up(walk):
    """From the start page through the door, with an address that nobody knows yet, to the list of tasks."""
    walk.look("start")
    walk.page.click(f"main a[href='{TASKS}']")
    walk.look("door")
    walk.page.fill("#id_email", walk.visitor.mailbox)
    walk.send()
    walk.look("code")
    walk.page.fill("#id_code", walk.visitor.mailed_code())
    walk.send()
    walk.page.wait_for_url(f"**{TASKS}")
    walk.look("tasks")


def write(walk):
    """All sections, each of which leads to the next, and the last to the check."""
    walk.follow(f"{TASKS}about/")
    for section, boxes in TYPED.items():
        assert walk.page.url.endswith(f"{TASKS}{section}/")
        for name, value in boxes.items():
            walk.page.fill(f"[name='{name}']", value)
        walk.look(section)
        walk.send()
    assert walk.page.url.endswith(CHECK)


def hand_in(walk):
    """Double click, a second tab, the back button and a reload: still one application."""
    page = walk.page
    seen = page.inner_text(".seen")
    assert ("Amina" in seen, "Qureshi" in seen, page.locator(".seen mark").count() > 1) == (False, False, True)
    walk.look("check")
    late = walk.visitor.tab()
    for tab in (late, page):
        tab.goto(CHECK)
        tab.check("#id_declared")
    page.locator("main form button[type=submit]").dblclick()
    page.wait_for_url("**/receipt/")
    walk.reference = page.url.split("/")[-3]
    walk.look("receipt")
    late.locator("main form button[type=submit]").click()
    late.wait_for_url(f"**{walk.own('receipt/')}")
    late.close()
    page.go_back()
    page.goto(walk.own("receipt/"))
    page.reload()
    assert page.inner_text(".banner code") == walk.reference
    assert Application.objects.count() == CROWD + 1


def change(walk):
    """What was handed in counts until the change of it is handed in."""
    page = walk.page
    walk.follow(walk.own("change/"))
    walk.look("change")
    walk.send()
    walk.follow(f"{TASKS}essay/")
    page.fill("#id_essay", f"{page.input_value('#id_essay')} And I came back.")
    walk.send()
    walk.send()  # the achievements stay as they are
    page.check("#id_declared")
    walk.look("check-change")
    walk.send()
    page.wait_for_url(f"**{walk.own('receipt/')}")
    walk.look("receipt-changed")


def wait_for_the_result(walk, one):
    """The page of the decision is not there until the results are published, and the status says nothing of it."""
    walk.follow(walk.own())
    walk.look("status-received")
    lead(one, "selection")
    assert walk.page.goto(walk.own("decision/")).status == 404
    walk.page.goto(walk.own())
    assert walk.page.locator("a[href$='/decision/']").count() == 0
    walk.look("status-waiting")
    lead(one, "published")
    walk.page.reload()
    walk.look("status-published")


def read_the_decision(walk):
    """The outcome comes first, and is the one that was published."""
    walk.follow(walk.own("decision/"))
    application = Application.objects.get(reference=walk.reference)
    first = walk.page.locator("main section").first
    assert (first.locator("h1").count(), first.get_attribute("class")) == (1, f"outcome {application.outcome}")
    walk.look("decision")


def ask_for_a_review(walk):
    """A person is asked, and their answer stands where the decision does."""
    walk.follow(walk.own("review/"))
    walk.page.fill("main textarea", "Please count my club.")
    walk.look("review")
    walk.send()
    walk.page.wait_for_url(f"**{walk.own('decision/')}")
    walk.look("decision-asked")
    answer_review(ReviewRequest.objects.get(), "We counted it: the result stands.", "upheld", actor=omar())
    walk.page.reload()
    assert "We counted it: the result stands." in walk.page.inner_text("section[aria-labelledby=review]")
    walk.look("decision-answered")


def check_it(walk):
    """The log holds the receipt, and anybody may read the figures of the cycle."""
    walk.follow("/verify/")
    assert walk.page.inner_text("#found").startswith("✓")
    walk.look("verified")
    walk.page.go_back()
    walk.follow("/cycles/fall-2026/")
    assert walk.page.locator(".figures dd").count() > 2
    walk.look("figures")


def test_every_page_of_an_applicant_weighs_less_than_50_kilobytes_cold(person):
    one = cycle()
    apply(one, applicants(CROWD))
    own = f"/applications/{submitted(one).reference}/"
    lead(one, "published")
    cycle("spring-2027")
    amina = person("amina@example.org")
    amina.sign_in_by_code()
    writing = [f"/apply/spring-2027/{section}" for section in ("", *(f"{one}/" for one in TYPED), "check/")]
    reading = [own, *(f"{own}{page}/" for page in ("receipt", "decision", "review"))]
    public = ["/", DOOR, "/verify/", "/cycles/fall-2026/", "/how-it-works/", "/privacy/", "/accessibility/"]
    account = ["/applications/", "/accounts/", "/accounts/data/", "/accounts/erase/"]
    weights = {path: weight(amina, path) for path in (*public, *account, *writing, *reading)}
    assert {path: size for path, size in weights.items() if not 5_000 < size < 50_000} == {}
