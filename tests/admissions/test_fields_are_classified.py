"""Every field of an application is identity, blind or bookkeeping; a new one must be put into a class to pass."""

import pytest
from django.apps import apps

from admissions.models.applications import Application, IdentityMapping
from admissions.models.blind import AnonymizedApplication
from admissions.models.drafts import ApplicationDraft
from admissions.models.reviews import ReviewRequest
from enigma.fields import SealedField
from tests.factories import led_to, omar

# What names a person, or came from one in their own words: sealed, and never on the evaluation side.
IDENTITY = {
    IdentityMapping: {"sealed_identity", "sealed_texts"},
    ApplicationDraft: {"sealed_values"},
    ReviewRequest: {"sealed_request", "sealed_answer"},
    Application: set(),
    AnonymizedApplication: set(),
}
# What the engines may see, or what is made of it.
BLIND = {
    IdentityMapping: set(),
    ApplicationDraft: set(),
    ReviewRequest: set(),
    Application: {"gpa", "test_scores"},
    AnonymizedApplication: {"gpa", "test_scores", "sealed_texts"},
}
# What neither names anybody nor counts for anything: keys, times, states, ways from table to table.
BOOKKEEPING = {
    IdentityMapping: {
        "application", "admission_cycle", "anonymized", "email_bidx", "fingerprint", "wrapped_key", "key_id",
        "erased_at",
    },
    ReviewRequest: {
        "application", "admission_cycle", "state", "asked_at", "wrapped_key", "key_id", "decision", "answered_at",
        "answered_by",
    },
    ApplicationDraft: {
        "id", "user", "admission_cycle", "application", "version", "edits", "wrapped_key", "key_id", "created_at",
        "saved_at",
    },
    Application: {
        "id", "admission_cycle", "applicant", "reference", "receipt_ref", "external_id", "status", "outcome", "rank",
        "submitted_at", "changed_at", "created_at", "set_aside_at", "set_aside_by", "set_aside_reason",
    },
    AnonymizedApplication: {"anonymized_id", "admission_cycle", "texts_sha256", "scrubber", "is_exported"},
}  # fmt: skip
MODELS = [Application, IdentityMapping, AnonymizedApplication, ApplicationDraft, ReviewRequest]


@pytest.mark.parametrize("model", MODELS)
def test_every_field_is_classified_once(model):
    classified = [*IDENTITY[model], *BLIND[model], *BOOKKEEPING[model]]
    assert sorted(classified) == sorted(field.name for field in model._meta.concrete_fields)


@pytest.mark.parametrize("model", MODELS)
def test_whatever_names_a_person_or_is_their_text_is_sealed(model):
    texts = {name for name in IDENTITY[model] | BLIND[model] if name not in {"gpa", "test_scores"}}
    assert {name for name in texts if isinstance(model._meta.get_field(name), SealedField)} == texts


def test_the_narrow_row_of_an_application_can_name_nobody():
    assert not IDENTITY[Application]
    assert not any(isinstance(field, SealedField) for field in Application._meta.concrete_fields)


def test_the_blind_copy_leads_to_nothing_but_its_cycle():
    relations = {
        field.name: field.related_model.__name__
        for field in AnonymizedApplication._meta.get_fields()
        if field.is_relation
    }
    assert relations == {"admission_cycle": "AdmissionCycle"}


def test_the_blind_copy_holds_nothing_of_the_time_or_the_order_of_submission():
    kinds = {field.get_internal_type() for field in AnonymizedApplication._meta.concrete_fields}
    assert kinds == {
        "UUIDField",
        "ForeignKey",
        "DecimalField",
        "JSONField",
        "TextField",
        "BinaryField",
        "CharField",
        "BooleanField",
    }


@pytest.mark.django_db
def test_no_row_names_a_person_when_it_is_printed_into_a_log():
    omar(email="amina@example.org")
    led_to("published", 1)
    models = [
        model for label in ("accounts", "admissions", "batches") for model in apps.get_app_config(label).get_models()
    ]
    printed = [f"{row} {row!r}" for model in models for row in model.objects.all()]
    assert len(printed) > 10
    assert [text for text in printed if "amina" in text.lower() or "@" in text] == []
