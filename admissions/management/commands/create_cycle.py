"""Open an admissions cycle: ``manage.py create_cycle fall-2026 --name "Fall 2026" --seats 120``."""

import json
import tomllib
from argparse import ArgumentParser
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError

from accounts.actors import acting
from admissions.models.cycles import AdmissionCycle
from admissions.opening import open_cycle, rules_of
from enigma.errors import Malformed
from enigma.operation import OperatorCommand


class Command(OperatorCommand):
    help = "Open an admissions cycle"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("code", help="short name for commands and addresses, such as fall-2026")
        parser.add_argument("--name", required=True)
        parser.add_argument("--seats", required=True, type=int)
        parser.add_argument("--opens", dest="opens_at", help="ISO 8601 with zone")
        parser.add_argument("--closes", dest="closes_at", help="ISO 8601 with zone")
        parser.add_argument("--results", dest="results_at", help="ISO 8601 with zone")
        parser.add_argument("--config", type=Path, help="JSON or TOML file with weights, tests, limits and policies")
        parser.add_argument("--demo", action="store_true", help="may be published on rehearsed answers")
        parser.add_argument("--actor", metavar="E-MAIL")
        parser.add_argument("--json", action="store_true")

    def operate(self, *, code: str, name: str, seats: int, actor: str | None, **options: Any) -> None:
        """Read the rules, clean them as a form would, and open the cycle."""
        rules = rules_of(_config(options["config"])) if options["config"] else {}
        rules |= {key: options[key] for key in ("opens_at", "closes_at", "results_at") if options[key]}
        rules |= {"is_demo": True} if options["demo"] else {}
        cycle = open_cycle(code, name=name, seats=seats, actor=acting(actor), **_cleaned(code, name, seats, rules))
        summary = f"opened {cycle.code} with {cycle.seats} seats; it takes applications now"
        self.answer(summary, {"code": cycle.code, "phase": cycle.phase, **cycle.rules()}, as_json=options["json"])


def _config(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".toml":
            return tomllib.loads(text, parse_float=Decimal)
        config = json.loads(text, parse_float=Decimal)
    except (OSError, ValueError) as fault:
        raise Malformed(f"{path} cannot be read: {fault}.") from None
    if not isinstance(config, dict):
        raise Malformed(f"{path} must hold one object.")
    return config


def _cleaned(code: str, name: str, seats: int, rules: dict[str, Any]) -> dict[str, Any]:
    """Return the rules as Python values; raise Malformed naming each field that is wrong."""
    faults, cleaned = [], {}
    for field, value in {"code": code, "name": name, "seats": seats, **rules}.items():
        try:
            column = AdmissionCycle._meta.get_field(field)
            cleaned[field] = column.clean(_jsonable(value), None)
        except ValidationError as fault:
            faults.append(f"{field}: {' '.join(fault.messages)}")
    if faults:
        raise Malformed(" ".join(faults))
    return {field: cleaned[field] for field in rules}


def _jsonable(value: Any) -> Any:
    """Decimals inside a JSON column become plain numbers; a decimal column takes them as they are."""
    if isinstance(value, dict):
        return {key: _jsonable(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [float(inner) if isinstance(inner, Decimal) else inner for inner in value]
    return value
