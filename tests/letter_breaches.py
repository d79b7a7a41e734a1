"""Letters and their texts that break each constraint of theirs; tests/admissions/test_constraints.py tries them."""

from django.utils import timezone

from accounts.models import User
from admissions.models.applications import Application
from admissions.models.letters import Letter, LetterTemplate

# An UPDATE of all rows; where only some may meet the constraint, of those.
BREACHES = {
    "letter_kind_is_known": ["letters SET kind = 'greeting' WHERE user_id IS NULL"],
    "letter_state_is_known": ["letters SET state = 'lost'"],
    "letter_language_is_known": ["letters SET language = 'tlh'"],
    "letter_sequence_is_positive": ["letters SET sequence = 0"],
    "letter_has_one_reader": [
        "letters SET application_id = NULL WHERE user_id IS NULL",
        "letters SET user_id = NULL WHERE application_id IS NULL",
        "letters SET user_id = (SELECT min(id) FROM accounts_user) WHERE user_id IS NULL",
        "letters SET kind = 'submitted', until = NULL WHERE user_id IS NOT NULL",
        "letters SET kind = 'late_access', until = now() WHERE user_id IS NULL",
    ],
    "letter_until_is_for_late_access": [
        "letters SET until = now() WHERE user_id IS NULL",
        "letters SET until = NULL WHERE user_id IS NOT NULL",
    ],
    "letter_sending_is_whole": [
        "letters SET state = 'sent'",
        "letters SET sent_at = now()",
        "letters SET state = 'bounced', bounce = '5.1.1'",
    ],
    "letter_bounce_has_its_code": ["letters SET state = 'bounced', sent_at = now()", "letters SET bounce = '5.1.1'"],
    "letter_failure_has_its_fault": ["letters SET state = 'failed'"],
    "one_letter_per_deed": ["letters SET sequence = 1 WHERE user_id IS NULL"],
    "one_letter_per_grant": ["letters SET sequence = 1 WHERE user_id IS NOT NULL"],
    "letter_template_variant_is_known": ["letter_templates SET variant = 'outcome'"],
    "letter_template_language_is_known": ["letter_templates SET language = 'tlh'"],
    "letter_template_version_is_positive": ["letter_templates SET version = 0"],
    "letter_template_is_whole": ["letter_templates SET subject = ''", "letter_templates SET body = ''"],
    "letter_template_subject_is_one_line": [
        "letter_templates SET subject = E'Hello\\nBcc: sam@example.org'",
        "letter_templates SET subject = E'Hello\\rthere'",
    ],
    "one_letter_template_per_version": ["letter_templates SET version = 1"],
}


def letters(cycle):
    """Two letters to each applicant of a cycle and two to a user, and two versions of a text for all cycles."""
    user = User.objects.create_user("late@example.org")
    for sequence in (1, 2):
        shared = {"admission_cycle": cycle, "language": "en", "sequence": sequence}
        for application in Application.objects.of(cycle):
            Letter.objects.create(application=application, kind="submitted", **shared)
        Letter.objects.create(user=user, kind="late_access", until=timezone.now(), **shared)
        LetterTemplate.objects.create(
            variant="submitted", language="en", version=sequence, subject="Hello", body="there", actor_type="operator"
        )
