"""A lower app does not know that an upper one exists: no foreign key and no accessor leads up."""

from pathlib import Path

from django.apps import apps

from enigma.env import BASE_DIR

FLOORS = ("audit", "accounts", "admissions", "batches")  # an import, and a foreign key, only ever points down


def relations():
    """Every relation that a model of ours declares, with the floors of both ends (-1: below all of ours)."""
    for floor, label in enumerate(FLOORS):
        for model in apps.get_app_config(label).get_models(include_auto_created=True):
            for field in model._meta.get_fields():
                if field.is_relation and not field.auto_created:
                    target = field.related_model._meta.app_label
                    yield floor, FLOORS.index(target) if target in FLOORS else -1, field


def test_all_our_apps_have_a_floor():
    ours = [config for config in apps.get_app_configs() if Path(config.path).parent == BASE_DIR]
    assert {config.label for config in ours if any(config.get_models())} == set(FLOORS)


def test_no_foreign_key_points_up():
    assert [str(field) for floor, target, field in relations() if target > floor] == []


def test_no_accessor_leads_up_from_a_lower_app():
    crossing = [field for floor, target, field in relations() if 0 <= target < floor]
    assert crossing
    assert [str(field) for field in crossing if not field.remote_field.hidden] == []


def test_the_audit_log_points_at_nothing():
    assert [str(field) for floor, _, field in relations() if FLOORS[floor] == "audit"] == []


def test_an_evaluation_leads_to_no_application():
    reached, ways = set(), ["batches.WorkerResult", "batches.JudgeResult", "batches.EvaluationRequest"]
    while ways:
        model = apps.get_model(ways.pop())
        if model not in reached:
            reached.add(model)
            ways += [field.related_model._meta.label for field in model._meta.get_fields() if field.is_relation]
    assert not {"Application", "IdentityMapping", "Letter", "User"} & {model.__name__ for model in reached}
