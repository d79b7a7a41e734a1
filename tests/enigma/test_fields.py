"""Sealed columns take tokens only and cannot be searched: by Django, and by the database itself."""

import pytest
from django.core.exceptions import FieldError
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Upper

from admissions.models.applications import IdentityMapping
from admissions.models.blind import AnonymizedApplication
from admissions.models.cycles import AdmissionCycle
from enigma.fields import SealedField
from tests.factories import amina, apply, cycle, lead

SEALED = [
    (IdentityMapping, "wrapped_key"),
    (IdentityMapping, "sealed_identity"),
    (IdentityMapping, "sealed_texts"),
    (AnonymizedApplication, "sealed_texts"),
    (AdmissionCycle, "wrapped_key"),
    (AdmissionCycle, "sealed_tie_secret"),
]
LOOKUPS = ["exact", "iexact", "contains", "startswith", "regex", "in", "gt", "lte", "range"]


def test_no_sealed_column_is_forgotten_here():
    models = {model for model, _ in SEALED}
    named = {(model, field.name) for model in models for field in model._meta.fields if isinstance(field, SealedField)}
    assert named == set(SEALED)


@pytest.mark.parametrize("lookup", LOOKUPS)
def test_a_sealed_column_cannot_be_searched(lookup):
    with pytest.raises(FieldError, match=f"^sealed_identity is encrypted: it cannot be searched with '{lookup}'$"):
        IdentityMapping.objects.filter(**{f"sealed_identity__{lookup}": "Amina"})


def test_a_sealed_column_cannot_be_compared_or_excluded_either():
    for refused in (
        IdentityMapping.objects.filter,
        IdentityMapping.objects.exclude,
        IdentityMapping.objects.get,
    ):
        with pytest.raises(FieldError):
            refused(sealed_texts="gAAAAA")


def test_a_sealed_column_can_be_asked_whether_it_is_empty():
    assert "IS NULL" in str(IdentityMapping.objects.filter(sealed_texts__isnull=True).query)


@pytest.mark.django_db
@pytest.mark.parametrize("text", ["Amina", "", "gAAAA", " gAAAAA", 5])
def test_plain_text_is_refused_by_the_field(text):
    one = cycle()
    one.sealed_tie_secret = text
    with pytest.raises(ValueError, match=r"^sealed_tie_secret takes a sealed token, not plain text$"):
        one.save()


@pytest.mark.django_db
@pytest.mark.parametrize(("model", "column"), SEALED)
def test_plain_text_is_refused_by_the_database(model, column):
    one = cycle()
    apply(one, [amina()])
    lead(one, to="preprocessing")
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # past the triggers: the constraint is meant
        with pytest.raises(IntegrityError, match=f"_{column}_is_sealed"), transaction.atomic():
            cursor.execute(f"UPDATE {table} SET {column} = 'Amina'")


@pytest.mark.django_db
def test_an_expression_cannot_put_plain_text_there_either():
    one = cycle()
    with pytest.raises(IntegrityError, match="cycle_sealed_tie_secret_is_sealed"), transaction.atomic():
        AdmissionCycle.objects.filter(pk=one.pk).update(sealed_tie_secret=Upper("code"))
