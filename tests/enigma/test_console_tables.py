"""Lists of the console: pages go on from a row, in both directions, and no place can be forged into a fault."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from accounts.roles import Role
from enigma.console.tables import opened
from tests.factories import omar
from tests.visitors import staff_browser

pytestmark = pytest.mark.django_db
PEOPLE = "/console/accounts/adminuser/"


def crowd(count):
    for number in range(count):
        omar(email=f"omar{number:03}@example.org")


def shown(page):
    return re.findall(r"omar\d{3}@example.org", page.content.decode())


def link(page, rel):
    found = re.search(rf'rel="{rel}" href="([^"]+)"', page.content.decode())
    return found and PEOPLE + found[1].replace("&amp;", "&")


@pytest.fixture
def boss():
    return staff_browser(Role.SUPER_ADMIN, email="aiza@example.org")[0]


def test_all_pages_together_hold_everybody_once_forth_and_back(boss):
    crowd(120)
    page, forth = boss.get(PEOPLE), []
    while True:
        forth += shown(page)
        if not (place := link(page, "next")):
            break
        page = boss.get(place)
    back = list(shown(page))
    while place := link(page, "prev"):
        page = boss.get(place)
        back = [*shown(page), *back]
    assert forth == [f"omar{number:03}@example.org" for number in reversed(range(120))]
    assert back == forth
    assert link(page, "next")


def test_the_first_page_has_no_way_back_and_a_short_list_no_pages(boss):
    crowd(3)
    page = boss.get(PEOPLE)
    assert (link(page, "prev"), link(page, "next"), len(shown(page))) == (None, None, 3)


def test_a_long_list_is_never_counted(boss):
    crowd(60)
    with CaptureQueriesContext(connection) as queries:
        boss.get(PEOPLE)
    lists = [one["sql"] for one in queries if 'FROM "admin_users"' in one["sql"]]
    assert lists
    assert [sql for sql in lists if "COUNT(" in sql or "OFFSET" in sql] == []


def test_filters_stay_while_one_reads_on(boss):
    crowd(60)
    page = boss.get(f"{PEOPLE}?role__exact=admin")
    assert "role__exact=admin" in link(page, "next")
    assert len(shown(boss.get(link(page, "next")))) == 10


@pytest.mark.parametrize("place", ["after=rubbish", "before=W10", "after=WyJ4Il0", "after=W1sxXV0", "role__exact=%00"])
def test_a_place_that_no_page_gave_leads_to_the_beginning(boss, place):
    crowd(1)
    page = boss.get(f"{PEOPLE}?{place}")
    assert page.status_code == 200
    assert len(shown(page)) == 1 or "Nothing fits" in page.content.decode()


def test_a_list_is_filtered_by_what_it_offers_and_by_no_hidden_column(boss):
    crowd(1)
    answers = [boss.get(f"{PEOPLE}?{query}").status_code for query in ("role=admin", "user__password__startswith=a")]
    assert answers == [200, 400]


def test_a_search_finds_by_the_whole_address(boss):
    crowd(3)
    assert shown(boss.get(f"{PEOPLE}?q=OMAR001@example.org")) == ["omar001@example.org"]


def test_what_nobody_fits_says_so(boss):
    assert "Nothing fits these filters." in boss.get(f"{PEOPLE}?q=nobody@example.org").content.decode()


@given(st.text(max_size=40))
def test_no_text_opens_as_a_place_but_what_was_sealed(text):
    with pytest.raises(Exception, match=r".*") as refusal:
        opened(text, 9)
    assert refusal.typename == "IncorrectLookupParameters"
