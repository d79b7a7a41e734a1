"""Staff let one person in after the closing time: who, until when, how it ends, and what a freeze makes of it."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone
from django.utils.formats import date_format

from accounts.actors import nobody
from accounts.models import User
from accounts.newcomers import confirm_address
from accounts.roles import Role
from admissions.changes import change
from admissions.doors import Opening, Shut, opening_for
from admissions.drafts import FULL, Save, save_section
from admissions.late_access import NO_ACCOUNT, end, grant
from admissions.letters import send_singles
from admissions.models.late_access import LateAccess
from admissions.own import own_applications
from admissions.phases import PhaseError
from admissions.submission import FIELDS, submit
from audit.models import AuditLog
from audit.sequencer import sequence_all
from enigma.errors import Conflict, Denied, Malformed, Refused
from tests.factories import AMINA, applicant, applicants, apply, cycle, lead, omar, submitted, taken_back
from tests.writers import closing

pytestmark = pytest.mark.django_db

EMAIL = "amina@example.org"
VALUES = {**{name: AMINA[name] for name in FIELDS}, "gpa": "3.8"}
REASON = "the office was closed"


@pytest.fixture
def one():
    """A cycle that closed an hour ago."""
    made = cycle()
    closing(opens_at=timezone.now() - timedelta(days=9), closes_at=timezone.now() - timedelta(hours=1))
    made.refresh_from_db()
    return made


@pytest.fixture
def boss():
    return omar()


def let_in(one, by, email=EMAIL, hours=2, reason=REASON):
    confirm_address(applicant(email)[0])
    return grant(one, email, until=timezone.now() + timedelta(hours=hours), reason=reason, actor=by)


def hand_in(one, email=EMAIL):
    user, actor = applicant(email)
    return submit(one, VALUES, user=user, actor=actor)


def test_it_lets_one_person_hand_in_and_nobody_else(one, boss):
    let_in(one, boss)
    with pytest.raises(PhaseError, match="it closed at"):
        hand_in(one, "sam@example.org")
    assert hand_in(one).reference


def test_it_lets_them_save_and_change_too(one, boss):
    let_in(one, boss)
    user, actor = applicant(EMAIL)
    save_section(one, {"essay": "Late."}, section="essay", save=Save(0, "", FULL), user=user, actor=actor)
    assert LateAccess.objects.get().used_at is None  # writing alone is no use of it
    hand_in(one)
    change(own_applications(user)[0], {**VALUES, "essay": "Later still."}, user=user, actor=actor)
    assert LateAccess.objects.get().used_at is not None


def test_before_the_closing_time_it_is_not_used(boss):
    one = cycle()
    let_in(one, boss)
    hand_in(one)
    assert LateAccess.objects.get().used_at is None


def test_it_ends_by_the_clock(one, boss):
    let_in(one, boss)
    LateAccess.objects.update(granted_at=timezone.now() - timedelta(2), until=timezone.now() - timedelta(seconds=1))
    with pytest.raises(PhaseError, match="it closed at"):
        hand_in(one)


def test_it_ends_when_somebody_ends_it_and_only_once(one, boss):
    given = let_in(one, boss)
    end(given, actor=boss)
    with pytest.raises(PhaseError, match="it closed at"):
        hand_in(one)
    with pytest.raises(Conflict, match="ended already"):
        end(given, actor=boss)
    assert (given.ended_by, given.ended_at is None) == (boss.id, False)


def test_another_grant_takes_the_place_of_the_first(one, boss):
    first, second = let_in(one, boss), let_in(one, boss, hours=5)
    first.refresh_from_db()
    assert (first.ended_by, second.ended_at) == (boss.id, None)


def test_after_the_freeze_it_opens_nothing_and_cannot_be_given(one, boss):
    apply_before(one)
    given = let_in(one, boss)
    end(given, actor=boss)
    lead(one, "frozen")
    with pytest.raises(PhaseError, match="nobody can be let in any more"):
        let_in(one, boss)


def apply_before(one):
    apply(one, applicants(1))


@pytest.mark.parametrize(
    ("changes", "error", "told"),
    [
        ({"hours": -1}, Malformed, "a time that is still to come"),
        ({"reason": "  "}, Malformed, "needs a reason"),
        ({"reason": "x" * 501}, Malformed, "needs a reason"),
    ],
)
def test_terms_that_make_no_sense_are_refused(one, boss, changes, error, told):
    with pytest.raises(error, match=told):
        let_in(one, boss, **changes)


def test_a_time_without_a_zone_is_refused(one, boss):
    applicant(EMAIL)
    with pytest.raises(Malformed, match="with a time zone"):
        grant(one, EMAIL, until=datetime(2099, 1, 1), reason=REASON, actor=boss)  # noqa: DTZ001


def test_somebody_without_an_account_cannot_be_let_in(one, boss):
    until = timezone.now() + timedelta(hours=1)
    with pytest.raises(Refused, match=NO_ACCOUNT):
        grant(one, "nobody@example.org", until=until, reason=REASON, actor=boss)
    applicant("typed.in@example.org")  # by whom nobody knows; it is forgotten within a day
    with pytest.raises(Refused, match=NO_ACCOUNT):
        grant(one, "typed.in@example.org", until=until, reason=REASON, actor=boss)
    User.objects.create_user("gone@example.org")
    User.objects.filter(email="gone@example.org").update(is_active=False)
    with pytest.raises(Refused, match=NO_ACCOUNT):
        grant(one, "gone@example.org", until=until, reason=REASON, actor=boss)


def test_who_has_withdrawn_cannot_be_let_in_again(boss):
    one = cycle()
    taken_back(submitted(one, EMAIL))
    with pytest.raises(Conflict, match="They have withdrawn"):
        let_in(one, boss)


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.AUDITOR])
def test_others_of_the_staff_let_nobody_in(one, boss, role):
    given, other = let_in(one, boss), omar(role, email="other@example.org")
    for actor in (other, nobody(), applicant(EMAIL)[1]):
        with pytest.raises(Denied):
            let_in(one, actor)
        with pytest.raises(Denied):
            end(given, actor=actor)


def test_it_is_audited_by_the_number_of_the_account_and_without_the_reason(one, boss):
    given = let_in(one, boss)
    end(given, actor=boss)
    sequence_all()
    entries = AuditLog.objects.filter(action__startswith="late_access.").order_by("log_id")
    user = str(given.user_id)
    assert list(entries.values_list("action", "actor_id", "entity_type", "entity_id", "details")) == [
        (
            "late_access.grant", boss.id, "user", user,
            {"cycle": "fall-2026", "until": given.until.isoformat(), "replaced": 0},
        ),
        ("late_access.end", boss.id, "user", user, {"cycle": "fall-2026"}),
    ]  # fmt: skip


# -- the freeze ----------------------------------------------


def test_a_freeze_waits_for_who_is_let_in_and_says_so(one, boss):
    apply_before(one)
    given = let_in(one, boss)
    sequence_all()
    told = (
        rf"1 person has late access to fall-2026 .* until {given.until:%Y-%m-%d %H:%M} UTC: wait until then, or end it"
    )
    with pytest.raises(PhaseError, match=told):
        one.freeze(actor=boss)


def test_a_freeze_does_not_wait_for_what_was_used_ended_or_is_over(one, boss):
    let_in(one, boss)
    hand_in(one)
    end(let_in(one, boss, "sam@example.org"), actor=boss)
    over = let_in(one, boss, "zara@example.org")
    LateAccess.objects.filter(pk=over.pk).update(
        granted_at=timezone.now() - timedelta(2), until=timezone.now() - timedelta(seconds=1)
    )
    sequence_all()
    assert one.freeze(actor=boss)["applications"] == 1


# -- what pages may offer ----------------------------------------------


def test_pages_offer_what_the_dates_and_grants_say(one, boss):
    amina, _ = applicant(EMAIL)
    sam, _ = applicant("sam@example.org")
    given = let_in(one, boss)
    assert opening_for(one, amina) == Opening(None, given.until, by_grant=True)
    assert opening_for(one, sam) == Opening(Shut.LATE, one.closes_at)
    coming = cycle("coming", opens_at=timezone.now() + timedelta(1))
    assert opening_for(coming, sam) == Opening(Shut.EARLY, None)
    assert opening_for(cycle("open"), sam) == Opening(None, None)


def test_whom_it_lets_in_is_told_by_letter_until_when_and_so_is_their_confirmation(one, boss, mailoutbox):
    given = let_in(one, boss)
    hand_in(one)
    send_singles()
    until = date_format(given.until, "j F Y, H:i T")
    assert [mail.subject.partition(" (")[0] for mail in mailoutbox] == [
        "You can still apply to Fall 2026",
        "We have your application to Fall 2026",
    ]
    assert [f"until {until}" in mail.body for mail in mailoutbox] == [True, True]
    assert "https://admissions.example.edu/apply/fall-2026/" in mailoutbox[0].body
