"""How seats are given: one order for everybody, recomputed here by the database, by the pure function and by hand."""

import hashlib
from decimal import Decimal
from random import Random

import pytest
from django.db import connection, transaction
from hypothesis import given
from hypothesis import strategies as st

from accounts.actors import operator
from admissions.decisions import set_aside
from admissions.models.applications import Application
from admissions.models.cycles import SelectionLog
from admissions.models.ranking import rank_applications
from admissions.selection import PARTS, Scored, ranked, ranking_digest, ranking_line, seed, tie_break_faults, tie_key
from tests.factories import applicants, apply, cycle, lead, score, statuses, waiting

SEED = bytes(range(32))
DEFAULT = ("essay", "achievement", "academic", "seed")
RULES = [DEFAULT, ("seed",), ("academic", "test", "achievement", "essay", "seed"), ("test", "seed")]


def scored(number, total, **parts):
    """One application, known by its number; parts not named are 50."""
    values = {part: Decimal(parts.get(part, 50)) for part in PARTS}
    return Scored(ref=number.to_bytes(16, "big"), total=Decimal(total), **values)


def order(*applications, tie_break=DEFAULT):
    ordered = ranked(applications, tie_break=tie_break, seed_bytes=SEED)
    return [int.from_bytes(one.ref, "big") for one in ordered]


# -- the pure functions ----------------------------------------------


def test_the_better_total_goes_first_whatever_the_parts_say():
    assert order(scored(1, "70.0000", essay=100), scored(2, "70.0001", essay=0)) == [2, 1]


def test_equal_totals_are_decided_by_the_parts_in_the_order_of_the_rule():
    tied = [
        scored(1, 70, essay=60, achievement=40, academic=90),
        scored(2, 70, essay=60, achievement=50, academic=10),
        scored(3, 70, essay=61, achievement=0, academic=0),
        scored(4, 70, essay=60, achievement=50, academic=20),
    ]
    assert order(*tied) == [3, 4, 2, 1]
    assert order(*tied, tie_break=("academic", "seed")) == [1, 4, 2, 3]


def test_full_equals_are_decided_by_the_seed_and_not_by_who_comes_first():
    keys = {
        number: hashlib.sha256(b"enigma/tie/v1\n" + SEED + number.to_bytes(16, "big")).digest() for number in range(9)
    }
    by_hash = sorted(keys, key=keys.__getitem__)
    assert order(*(scored(number, 70) for number in range(9))) == by_hash
    assert order(*(scored(number, 70) for number in reversed(range(9)))) == by_hash
    assert by_hash != sorted(by_hash)


def test_another_seed_gives_another_order():
    tied = [scored(number, 70) for number in range(9)]
    other = ranked(tied, tie_break=DEFAULT, seed_bytes=bytes(32))
    assert other != ranked(tied, tie_break=DEFAULT, seed_bytes=SEED)


def test_seed_tie_key_and_digest_are_the_documented_bytes():
    assert seed(b"s" * 32, log_head=b"h" * 32) == hashlib.sha256(b"enigma/seed/v1\n" + b"h" * 32 + b"s" * 32).digest()
    assert tie_key(SEED, bytes(16)) == hashlib.sha256(b"enigma/tie/v1\n" + SEED + bytes(16)).digest()
    lines = [scored(1, "70.5", essay="0.0001"), scored(2, "100", test="33.3333")]
    text = (
        "00000000000000000000000000000001,705000,500000,500000,500000,1\n"
        "00000000000000000000000000000002,1000000,500000,333333,500000,500000\n"
    )
    assert "".join(map(ranking_line, lines)) == text
    assert ranking_digest(lines) == hashlib.sha256(text.encode()).digest()


@given(st.lists(st.tuples(st.sampled_from([60, 70]), st.sampled_from([1, 2])), max_size=12), st.randoms())
def test_the_order_does_not_depend_on_the_order_of_reading(rows, random):
    people = [scored(number, total, essay=essay) for number, (total, essay) in enumerate(rows)]
    shuffled = random.sample(people, len(people))
    assert order(*people) == order(*shuffled)


@pytest.mark.parametrize("rule", RULES)
def test_a_list_of_parts_that_ends_with_the_seed_is_a_rule(rule):
    assert tie_break_faults(list(rule)) == []


OPEN_END = "the tie-break must be a list that ends with «seed», or ties could stay unbroken"


@pytest.mark.parametrize(
    ("rule", "faults"),
    [
        ([], [OPEN_END]),
        (["essay"], [OPEN_END]),
        (["seed", "essay"], [OPEN_END]),
        ("essay,seed", [OPEN_END]),
        (None, [OPEN_END]),
        ({"seed": 1}, [OPEN_END]),
        (["essay", "essay", "seed"], ["the tie-break names a part twice"]),
        (["luck", "name", "seed"], ["the tie-break knows no 'luck'", "the tie-break knows no 'name'"]),
        (["total DESC; --", "seed"], ["the tie-break knows no 'total DESC; --'"]),
        ([["essay"], "seed"], ["the tie-break knows no ['essay']"]),
        (["seed", "seed"], ["the tie-break names a part twice"]),
    ],
)
def test_anything_else_is_no_rule(rule, faults):
    assert tie_break_faults(rule) == faults


# -- the database does the same ----------------------------------------------


def led_to_scored(count, **rules):
    one = cycle(**rules)
    apply(one, applicants(count))
    lead(one, "processing")
    score(one, [50] * count)
    one.mark_scored(actor=operator())
    return one


def in_order():
    """The applications with their scores as the database holds them, best first."""
    columns = ", ".join(f"score.{part}" for part in ("total", *PARTS))
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT uuid_send(receipt_ref), {columns} FROM applications
                  JOIN identity_mapping ON application_id = applications.id
                  JOIN final_scores AS score USING (anonymized_id) ORDER BY rank"""
        )
        return [Scored(bytes(ref), *scores) for ref, *scores in cursor.fetchall()]


def reshuffle(random):
    """Draw all scores anew: of 30 in 100 a total that others have too, and so have their parts."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT anonymized_id FROM final_scores ORDER BY 1")
        rows = [(*drawn(random), pk) for (pk,) in cursor.fetchall()]
        cursor.executemany(
            "UPDATE final_scores SET total = %s, academic = %s, test = %s, achievement = %s, essay = %s"
            " WHERE anonymized_id = %s",
            rows,
        )


def drawn(random):
    if random.random() < 0.3:
        return [random.choice([Decimal("70.0000"), Decimal("70.0001")]), *(random.choice([10, 20]) for _ in PARTS)]
    return [Decimal(random.randint(0, 1_000_000)) / 10_000 for _ in range(5)]


@pytest.mark.django_db
@pytest.mark.parametrize("rule", RULES)
def test_the_database_ranks_as_the_pure_function_does(rule):
    random, one = Random("/".join(rule)), led_to_scored(40, tie_break=list(rule))
    for _ in range(25):
        one.seats = random.randint(1, 50)
        with transaction.atomic():
            reshuffle(random)
            facts = rank_applications(one)
            people = in_order()
            assert people == ranked(people, tie_break=rule, seed_bytes=bytes(one.tie_seed))
            assert facts == expected_facts(one, people)
            transaction.set_rollback(True)


def expected_facts(one, people):
    inside = people[: one.seats]
    cutoff = inside[-1].total
    return {
        "criteria": {"seats": one.seats, "tie_break": one.tie_break, "tie_seed": bytes(one.tie_seed).hex()},
        "cutoff": cutoff,
        "selected": len(inside),
        "not_selected": len(people) - len(inside),
        "excluded": 0,
        "tied_at_cutoff": sum(person.total == cutoff for person in people),
        "tied_and_selected": sum(person.total == cutoff for person in inside),
        "ranking_sha256": ranking_digest(people).hex(),
    }


@pytest.mark.django_db
def test_three_of_five_equals_get_the_last_three_seats_and_the_log_says_so():
    one = cycle(seats=4)
    apply(one, applicants(7))
    lead(one, "processing")
    score(one, [90, 70, 70, 70, 70, 70, 10])
    one.mark_scored(actor=operator())
    facts = one.perform_selection(actor=operator())
    told = ("cutoff", "selected", "not_selected", "excluded", "tied_at_cutoff", "tied_and_selected")
    assert [facts[name] for name in told] == ["70.0000", 4, 3, 0, 5, 3]
    assert statuses(one) == {"selected": 4, "not_selected": 3}
    log = SelectionLog.objects.get()
    assert [getattr(log, name) for name in told] == [Decimal(70), 4, 3, 0, 5, 3]
    assert (log.criteria, log.ranking_sha256) == (facts["criteria"], facts["ranking_sha256"])
    assert (log.actor_type, log.actor_id) == ("operator", operator().id)


@pytest.mark.django_db
@pytest.mark.parametrize("seats", [3, 4, 1_000])
def test_with_seats_for_all_everybody_is_selected_and_the_cutoff_is_the_last_score(seats):
    one = led_to_scored(3, seats=seats)
    facts = one.perform_selection(actor=operator())
    assert (facts["selected"], facts["not_selected"], facts["cutoff"]) == (3, 0, "50.0000")
    assert sorted(Application.objects.values_list("rank", "outcome")) == [(n, "selected") for n in (1, 2, 3)]


@pytest.mark.django_db
def test_if_nobody_could_be_scored_nobody_is_selected_and_there_is_no_cutoff():
    one = cycle()
    apply(one, applicants(2))
    lead(one, "processing")
    for _ in range(2):
        set_aside(one, waiting(one).pk, reason="an essay of somebody else", actor=operator())
    one.mark_scored(actor=operator())
    facts = one.perform_selection(actor=operator())
    assert (facts["cutoff"], facts["selected"], facts["not_selected"], facts["excluded"]) == (None, 0, 0, 2)
    assert (facts["tied_at_cutoff"], facts["ranking_sha256"]) == (0, hashlib.sha256(b"").hexdigest())


@pytest.mark.django_db
def test_a_rehearsed_selection_tells_what_the_real_one_will_find_and_writes_nothing():
    one = led_to_scored(5)
    rehearsed = one.perform_selection(actor=operator(), dry_run=True)
    assert (SelectionLog.objects.count(), statuses(one)) == (0, {"scored": 5})
    assert one.perform_selection(actor=operator()) == rehearsed


@pytest.mark.django_db
@pytest.mark.parametrize("count", [1, 3])
def test_selection_costs_the_same_for_any_number(count, django_assert_num_queries):
    one = led_to_scored(count)
    with django_assert_num_queries(9):
        rank_applications(one)
