"""Letters about outcomes that an earlier release queued are still queued, sent or failed, under the same Message-ID."""

import hashlib
import hmac

import pytest
from django.conf import settings
from django.core.mail import get_connection
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from admissions.letters import send_letters
from admissions.models.applications import Application
from admissions.models.letters import Letter
from tests.factories import applicants, apply, cycle, lead


def migrate(target=None):
    """Go back to a migration, or on to the last ones."""
    executor = MigrationExecutor(connection)
    executor.migrate([target] if target else executor.loader.graph.leaf_nodes())


@pytest.fixture
def earlier(transactional_db):
    """A published cycle of three in the database of the release before."""
    one = cycle()
    apply(one, applicants(3))
    lead(one, to="published")
    [before] = MigrationExecutor(connection).loader.get_migration("admissions", "0006_letters").dependencies[:1]
    migrate(before)
    yield one
    migrate()


@pytest.mark.django_db(transaction=True)
def test_outcome_letters_are_carried_over(earlier, mailoutbox):
    applications = list(Application.objects.order_by("pk").values_list("pk", "receipt_ref"))
    at = timezone.now()
    rows = [("queued", 0, "", None), ("sent", 2, "", at), ("failed", 1, "SMTPRecipientsRefused", None)]
    with connection.cursor() as cursor:
        for (pk, _), row in zip(applications, rows, strict=True):
            cursor.execute(
                "INSERT INTO outcome_letters (application_id, admission_cycle_id, state, attempts, fault, sent_at)"
                " VALUES (%s, %s, %s, %s, %s, %s)",
                [pk, earlier.pk, *row],
            )
    migrate()
    columns = (
        "state",
        "attempts",
        "fault",
        "sent_at",
        "application",
        "kind",
        "sequence",
        "language",
        "admission_cycle",
    )
    assert list(Letter.objects.order_by("pk").values_list(*columns)) == [
        (*row, pk, "outcome", 1, "en", earlier.pk) for (pk, _), row in zip(applications, rows, strict=True)
    ]
    mail_ids = [one.hex for one in Letter.objects.order_by("pk").values_list("mail_id", flat=True)]
    assert mail_ids == [former_letter_id(ref) for _, ref in applications]
    assert send_letters(earlier, mailer=get_connection()) == {"sent": 2, "failed": 1, "queued": 0}
    assert mailoutbox[0].extra_headers["Message-ID"] == f"<outcome.{mail_ids[0]}@localhost>"


def former_letter_id(ref):
    """The name of a letter in the release before."""
    key = settings.ENIGMA_BIDX_KEY.encode()
    return hmac.new(key, b"enigma/letter/v1\n\n" + ref.bytes, hashlib.sha256).hexdigest()[:32]
