"""Opening a cycle: its rules are stored, committed and audited before anybody applies."""

import hashlib
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial

import pytest

from accounts.actors import operator
from accounts.roles import Role
from admissions import rubrics
from admissions.models.cycles import AdmissionCycle
from admissions.models.leaves import is_committed
from admissions.opening import SETTABLE, amend_cycle, open_cycle, rules_of
from admissions.phases import PhaseError
from admissions.rules import WrongRules
from audit.models import AuditLog, HashChain, LogOutbox
from audit.sequencer import sequence_all
from enigma.errors import Conflict, Denied, Malformed, Refused
from tests.factories import applicants, apply, everything, lead, led_to, omar
from tests.racing import together

# What the leaf of a freeze holds beside the rules.
FROZEN = ("applications", "log_head", "tie_secret_sha256")


def opened(**rules):
    return open_cycle("fall-2026", name="Fall 2026", seats=120, actor=operator(), **rules)


@pytest.mark.django_db
def test_a_new_cycle_takes_applications_under_the_default_rules():
    opened()
    one = AdmissionCycle.objects.get()
    assert (one.code, one.phase, one.next_step(), one.is_demo, one.tie_seed) == (
        "fall-2026", "submission", "freeze", False, None,
    )  # fmt: skip
    assert one.rules() == {
        "achievements_max": 10_000,
        "attempts_allowed": 3,
        "closes_at": None,
        "essay_max": 20_000,
        "gpa_scale": "4",
        "is_demo": False,
        "judge_policy": "every",
        "opens_at": None,
        "results_at": None,
        "rubric_sha256": rubrics.rubric("2026-1").sha256,
        "rubric_version": "2026-1",
        "seats": 120,
        "tests": {"ACT": ["1", "36"], "SAT": ["400", "1600"]},
        "tie_break": ["essay", "achievement", "academic", "seed"],
        "weights": {"academic": "0.3000", "test": "0.2500", "achievement": "0.2500", "essay": "0.2000"},
    }


@pytest.mark.django_db
def test_the_secret_of_the_tie_break_is_sealed_and_its_hash_is_what_is_committed():
    one = opened()
    assert hashlib.sha256(one.tie_secret()).digest() == bytes(AdmissionCycle.objects.get().tie_secret_sha256)
    assert one.tie_secret().hex() not in str(everything())


@pytest.mark.django_db
def test_opening_is_committed_and_audited():
    one = opened(is_demo=True)
    sequence_all()
    entry = AuditLog.objects.get(action="cycle.open")
    assert (entry.actor_type, entry.entity_id, entry.details) == (
        "operator", "fall-2026", {"is_demo": True, "rules": one.rules()},
    )  # fmt: skip
    kinds = HashChain.objects.filter(subject_ref=one.ref.hex).order_by("chain_id")
    assert list(kinds.values_list("decision_type", flat=True)) == ["cycle.open", "rubric.commit"]


@pytest.mark.django_db
def test_a_code_is_taken_once():
    opened()
    before = everything()
    with pytest.raises(Conflict, match=r"^There is a cycle fall-2026 already\.$"):
        opened()
    assert everything() == before


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("rules", "fault"),
    [
        ({"weight_essay": Decimal("0.3")}, "the four weights must not be negative and must sum to 1"),
        ({"rubric_version": "1999-1"}, "there is no rubric '1999-1'"),
        ({"tests": {}, "tie_break": []}, "at least one test must be accepted; the tie-break must be a list"),
    ],
)
def test_rules_that_do_not_hold_are_refused_and_nothing_is_left(rules, fault):
    with pytest.raises(Refused, match=f"^The rules of fall-2026 do not hold: {fault}"):
        opened(**rules)
    assert (AdmissionCycle.objects.count(), LogOutbox.objects.count()) == (0, 0)


@pytest.mark.django_db
def test_what_only_the_database_refuses_is_refused_in_a_sentence(monkeypatch):
    monkeypatch.setattr("admissions.models.checks.rule_faults", lambda cycle: [])
    monkeypatch.setattr("admissions.opening.named_faults", lambda cycle: [])
    with pytest.raises(
        Conflict, match=r'^The database refuses the cycle fall-2026: .*"cycle_closes_after_it_opens"\.$'
    ):
        opened(opens_at=datetime(2026, 2, 1, tzinfo=UTC), closes_at=datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.django_db
@pytest.mark.parametrize("role", [Role.REVIEWER, Role.AUDITOR, Role.SERVICE])
def test_only_officers_open_cycles(role):
    with pytest.raises(Denied, match=rf"The role {role} does not include cycle\.create"):
        open_cycle("fall-2026", name="Fall 2026", seats=1, actor=omar(role))
    assert AdmissionCycle.objects.count() == 0


@pytest.mark.django_db
def test_a_rule_may_be_given_as_anything_that_its_column_takes():
    one = opened(gpa_scale=5, weight_essay="0.2", attempts_allowed="2", closes_at="2026-01-31T12:00:00Z")
    stored = AdmissionCycle.objects.get()
    assert (one.gpa_scale, one.closes_at) == (Decimal(5), datetime(2026, 1, 31, 12, tzinfo=UTC))
    assert one.rules() == stored.rules()
    assert (stored.rules()["gpa_scale"], stored.attempts_allowed) == ("5", 2)


def test_a_value_that_its_column_does_not_take_is_refused_by_name():
    with pytest.raises(Malformed, match=r"^seats: “many” value must be an integer\. gpa_scale: “five” value"):
        open_cycle("fall-2026", name="Fall 2026", gpa_scale="five", seats="many", actor=operator())


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("rules", "fields"),
    [
        ({"weight_essay": "much", "seats": 0}, ["seats", "weight_essay"]),
        ({"weight_essay": True, "attempts_allowed": False}, ["weight_essay", "attempts_allowed"]),
        ({"weight_essay": "0.5", "essay_max": 0}, ["weights", "essay_max"]),
        ({"judge_policy": "some"}, ["judge_policy"]),
    ],
)
def test_wrong_rules_are_named_by_field(rules, fields):
    with pytest.raises(WrongRules) as refusal:
        open_cycle("fall-2026", **{"name": "Fall 2026", "seats": 1, "actor": operator(), **rules})
    assert [field for field, _ in refusal.value.faults] == fields


# -- changes until the freeze ------------------------------------


def seen(one):
    """A check that the row is as this cycle was read."""

    def version(current):
        if current.rules() != one.rules():
            raise Conflict("changed")

    return version


def amended(one, **changes):
    return amend_cycle(one, changes, actor=operator(), version=seen(one))


@pytest.mark.django_db
def test_a_change_is_stored_and_audited_with_what_it_was_and_is():
    one = opened()
    sequence_all()
    new = amended(one, seats=100, name="Autumn 2026", weight_essay="0.25", weight_test="0.2", gpa_scale="4.0")
    stored = AdmissionCycle.objects.get()
    assert (new.rules(), stored.name, stored.seats) == (stored.rules(), "Autumn 2026", 100)
    sequence_all()
    old, weights = one.rules(), new.rules()["weights"]
    assert AuditLog.objects.get(action="cycle.change").details == {
        "changed": {
            "name": {"from": "Fall 2026", "to": "Autumn 2026"},
            "seats": {"from": 120, "to": 100},
            "weights": {"from": old["weights"], "to": weights},
        }
    }


@pytest.mark.django_db
def test_a_change_leaves_no_leaf_but_the_freeze_commits_what_counts():
    one = opened()
    amended(one, seats=1)
    apply(one, applicants(2))
    lead(one, to="frozen")
    kinds = HashChain.objects.filter(subject_ref=one.ref.hex).order_by("chain_id")
    assert list(kinds.values_list("decision_type", flat=True)) == ["cycle.open", "rubric.commit", "freeze"]
    facts = {name: AuditLog.objects.get(action="cycle.freeze").details[name] for name in FROZEN}
    assert one.rules()["seats"] == 1
    assert is_committed(one, "freeze", {"rules": one.rules(), **facts})


@pytest.mark.django_db
@pytest.mark.parametrize("changes", [{}, {"seats": "120", "tests": {"SAT": ["400", "1600"], "ACT": [1, 36]}}])
def test_what_changes_nothing_is_not_written_down(changes):
    one = opened()
    before = everything()
    amended(one, **changes)
    assert everything() == before


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"weight_essay": "0.3"}, "The rules of fall-2026 do not hold: the four weights "),
        ({"seats": "many"}, "seats: “many” value must be an integer"),
        ({"code": "spring"}, r"A change of a cycle knows no code\.$"),
        ({"phase": "frozen", "tie_seed": b""}, r"A change of a cycle knows no phase, tie_seed\.$"),
        ({"name": "ask sam@example.org"}, "The audit log takes no personal data"),
    ],
)
def test_a_change_that_does_not_hold_changes_nothing(changes, told):
    one = opened()
    before = everything()
    with pytest.raises(Refused, match=f"^{told}"):
        amended(one, **changes)
    assert everything() == before


@pytest.mark.django_db
def test_after_the_freeze_nothing_changes():
    one = led_to("frozen")
    before = everything()
    with pytest.raises(PhaseError, match=r"^fall-2026 is sealed since the freeze: its rules cannot change\.$"):
        amended(one, name="Autumn 2026")
    assert everything() == before


@pytest.mark.django_db
@pytest.mark.parametrize("role", [Role.REVIEWER, Role.AUDITOR, Role.SERVICE])
def test_only_officers_change_cycles(role):
    one = opened()
    with pytest.raises(Denied, match=rf"The role {role} does not include cycle\.change"):
        amend_cycle(one, {"seats": 1}, actor=omar(role), version=seen(one))
    assert AdmissionCycle.objects.get().seats == 120


@pytest.mark.django_db
def test_rules_too_narrow_for_who_has_applied_are_refused_by_the_freeze():
    one = opened(is_demo=True)
    apply(one, applicants(1))
    new = amended(one, tests={"ACT": [1, 36]})
    sequence_all()
    with pytest.raises(PhaseError, match=r"^1 applications of fall-2026 lie outside its rules"):
        new.freeze(actor=operator())


@pytest.mark.django_db(transaction=True)
def test_of_two_changes_of_the_same_version_one_is_refused():
    one = opened()
    deeds = [partial(amended, AdmissionCycle.objects.get(), seats=seats) for seats in (100, 140)]
    results = together(*deeds)
    assert sorted(type(result).__name__ for result in results) == ["AdmissionCycle", "Conflict"]
    [won] = [result for result in results if isinstance(result, AdmissionCycle)]
    assert AdmissionCycle.objects.get().seats == won.seats != one.seats


# -- configurations ----------------------------------------------


def test_a_configuration_names_rules_and_weights():
    config = {"weights": {"essay": Decimal("0.5"), "test": Decimal("0.5")}, "attempts_allowed": 2}
    assert rules_of(config) == {"weight_essay": Decimal("0.5"), "weight_test": Decimal("0.5"), "attempts_allowed": 2}


def test_everything_a_configuration_may_set_is_a_field_of_a_cycle():
    assert {field.name for field in AdmissionCycle._meta.concrete_fields} >= SETTABLE


@pytest.mark.parametrize("key", ["phase", "code", "tie_seed", "log_salt", "weight_essay", "Seats"])
def test_a_configuration_sets_nothing_else(key):
    with pytest.raises(Malformed, match=f"^The configuration knows no {key}; it may set achievements_max, .*, weights"):
        rules_of({key: 1})


def test_weights_must_be_an_object():
    with pytest.raises(Malformed, match=r'^weights must be an object such as \{"academic": 0.3'):
        rules_of({"weights": [0.3, 0.25, 0.25, 0.2]})


def test_a_weight_of_something_else_is_refused():
    with pytest.raises(Malformed, match=r"^There is no weight for luck, only for academic, "):
        rules_of({"weights": {"luck": 1}})
