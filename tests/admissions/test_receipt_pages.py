"""What an applicant keeps, and the ways to change and to withdraw: for themselves alone, and until they are closed."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from admissions.models.applications import Application, IdentityMapping
from admissions.models.drafts import ApplicationDraft
from admissions.receipts import Entry, entry_of
from audit.models import HashChain, LogOutbox
from audit.sequencer import sequence_all
from tests.factories import amina as row
from tests.factories import applicants, apply, cycle, damage, lead, submitted
from tests.writers import Writer, closing

pytestmark = pytest.mark.django_db

PAGES = ("receipt", "change-application", "withdraw-application")


@pytest.fixture
def one():
    return cycle()


@pytest.fixture
def mine(one):
    return submitted(one)


@pytest.fixture
def amina(mine):
    return Writer()


def text_of(answer):
    return " ".join(answer.content.decode().split("<footer")[0].split())


def close():
    closing(opens_at=timezone.now() - timedelta(2), closes_at=timezone.now() - timedelta(1))


# -- the receipt ----------------------------------------------


def test_the_receipt_shows_what_the_log_holds_and_stays(mine, amina):
    waiting = LogOutbox.objects.get(kind="submission").commitment
    page = text_of(amina.look("receipt", reference=mine.reference))
    told = [mine.reference, mine.receipt_ref.hex, waiting, "on its way into the log", "UTC", "What happens next"]
    assert [words for words in told if words not in page] == []
    sequence_all()
    leaf = HashChain.objects.get(decision_type="submission")
    page = text_of(amina.look("receipt", reference=mine.reference))
    assert (waiting == leaf.data_json[11:75], waiting in page) == (True, True)
    assert f'<span class="entry">{leaf.chain_id}</span>' in page


def test_of_several_entries_the_last_one_is_shown(mine, amina):
    sequence_all()
    first = entry_of(mine)
    amina.send("change-application", reference=mine.reference)
    amina.tab("essay").save({"essay": "A better essay."})
    amina.hand_in()
    second = entry_of(mine)
    assert (second.number, second.commitment == first.commitment) == (None, False)
    sequence_all()
    assert entry_of(mine).commitment == second.commitment
    assert "Last changed" in text_of(amina.look("receipt", reference=mine.reference))


def test_an_application_that_the_log_does_not_know_has_no_entry(mine):
    LogOutbox.objects.all().delete()
    assert entry_of(mine) is None
    assert entry_of(Application(receipt_ref=mine.receipt_ref)) is None
    assert Entry("c", None, None).at is None


def test_the_receipt_can_be_kept_as_a_file(mine, amina):
    sequence_all()
    entry = entry_of(mine)
    answer = amina.look("receipt-file", reference=mine.reference, form="json")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="receipt-{mine.reference}.json"'
    told = json.loads(answer.content)
    assert (told["reference"], told["receipt"], told["commitment"], told["log_number"], told["changed_at"]) == (
        mine.reference, mine.receipt_ref.hex, entry.commitment, entry.number, None,
    )  # fmt: skip
    text = amina.look("receipt-file", reference=mine.reference, form="txt").content.decode()
    assert [one for one in (mine.reference, mine.receipt_ref.hex, entry.commitment) if one not in text] == []
    assert f"Entry of the public log: {entry.number}," in text


def test_a_receipt_names_nobody(mine, amina):
    for form in ("json", "txt"):
        assert "amina" not in amina.look("receipt-file", reference=mine.reference, form=form).content.decode().lower()


def test_other_peoples_applications_are_not_there(mine):
    sam = Writer("sam@example.org")
    for reference in (mine.reference, "0000-0000-0000"):
        for name in PAGES:
            assert sam.look(name, reference=reference).status_code == 404
            assert sam.send(name, reference=reference).status_code in {404, 405}
        assert sam.look("receipt-file", reference=reference, form="json").status_code == 404
    assert Application.objects.get().status == "submitted"


def test_an_imported_application_belongs_to_whoever_has_its_address(one):
    apply(one, [row(email="zara@example.org")])
    zara = Writer("zara@example.org")
    assert zara.look("receipt", reference=Application.objects.get().reference).status_code == 200


# -- changing ----------------------------------------------


def test_looking_at_the_way_to_change_begins_nothing(mine, amina):
    page = text_of(amina.look("change-application", reference=mine.reference))
    assert "Begin to change it" in page
    assert not ApplicationDraft.objects.exists()


def test_a_change_is_begun_written_and_handed_in(mine, amina):
    assert amina.send("change-application", reference=mine.reference).headers["Location"] == amina.place("apply")
    assert "You have begun to change" in text_of(amina.look("receipt", reference=mine.reference))
    amina.tab("essay").save({"essay": "A better essay."})
    answer = amina.hand_in()
    assert answer.headers["Location"] == amina.place("receipt", reference=mine.reference)
    assert "Your changes are handed in." in text_of(amina.look("receipt", reference=mine.reference))
    assert IdentityMapping.objects.get().texts()["essay"] == "A better essay."
    assert not ApplicationDraft.objects.exists()


def test_who_discards_a_change_keeps_what_was_handed_in(mine, amina):
    amina.send("change-application", reference=mine.reference)
    amina.tab("essay").save({"essay": "A worse essay."})
    amina.send("apply-discard")
    assert amina.look("apply").headers["Location"].endswith("/receipt/")
    assert IdentityMapping.objects.get().texts()["essay"] != "A worse essay."


def test_after_the_closing_time_nothing_can_be_changed_and_the_reason_is_told(mine, amina):
    close()
    page = text_of(amina.look("receipt", reference=mine.reference))
    assert ("Applications closed on" in page, "Change it" in page, "Withdraw it" in page) == (True, False, True)
    answer = amina.send("change-application", reference=mine.reference)
    assert (answer.status_code, "Applications closed on" in text_of(answer)) == (409, True)
    assert not ApplicationDraft.objects.exists()


def test_after_the_freeze_nothing_can_be_changed_or_withdrawn(one, mine, amina):
    lead(one, "frozen")
    page = text_of(amina.look("receipt", reference=mine.reference))
    assert ("Applications are frozen." in page, "Change it" in page, "Withdraw it" in page) == (True, False, False)
    for name in ("change-application", "withdraw-application"):
        assert amina.look(name, reference=mine.reference).status_code == 200
        assert amina.send(name, reference=mine.reference).status_code == 409
    assert Application.objects.get().status == "finalized"


def test_what_does_not_open_cannot_be_changed_and_says_whom_to_write_to(one, mine, amina):
    submitted(one, "sam@example.org")
    damage(mine)
    answer = amina.send("change-application", reference=mine.reference)
    assert (answer.status_code, "please write to the admissions office" in text_of(answer)) == (409, True)


# -- withdrawing ----------------------------------------------


def test_withdrawing_is_asked_again_and_done_by_sending(mine, amina):
    assert "Withdraw your application?" in text_of(amina.look("withdraw-application", reference=mine.reference))
    assert Application.objects.get().status == "submitted"
    amina.send("withdraw-application", reference=mine.reference)
    assert Application.objects.get().status == "withdrawn"
    page = text_of(amina.look("receipt", reference=mine.reference))
    assert ("Application withdrawn" in page, "Your application is withdrawn." in page) == (True, True)
    assert ("Change it" in page, "Withdraw it" in page) == (False, False)


def test_withdrawing_forgets_a_change_that_was_begun(mine, amina):
    amina.send("change-application", reference=mine.reference)
    amina.send("withdraw-application", reference=mine.reference)
    assert not ApplicationDraft.objects.exists()
    assert amina.send("change-application", reference=mine.reference).status_code == 409
    assert amina.send("withdraw-application", reference=mine.reference).status_code == 409


def test_a_receipt_tells_no_outcome_before_publication(one, mine, amina):
    apply(one, applicants(3))
    pages = []
    for phase in ("frozen", "selection"):
        lead(one, phase)
        pages.append(text_of(amina.look("receipt", reference=mine.reference)))
    assert pages[0] == pages[1]
