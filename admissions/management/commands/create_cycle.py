"""Open an admissions cycle: ``manage.py create_cycle fall-2026 --name "Fall 2026" --seats 120``."""

import json
import tomllib
from argparse import ArgumentParser
from decimal import Decimal
from pathlib import Path
from typing import Any

from accounts.actors import acting
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
        """Read the rules and open the cycle."""
        rules = rules_of(_config(options["config"])) if options["config"] else {}
        rules |= {key: options[key] for key in ("opens_at", "closes_at", "results_at") if options[key]}
        rules |= {"is_demo": True} if options["demo"] else {}
        cycle = open_cycle(code, name=name, seats=seats, actor=acting(actor), **_jsonable(rules))
        summary = f"opened {cycle.code} with {cycle.seats} seats; it takes applications now"
        self.answer(summary, {"code": cycle.code, "phase": cycle.phase, **cycle.rules()}, as_json=options["json"])


def _config(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".toml":
            return tomllib.loads(text, parse_float=Decimal)
        config = json.loads(text, parse_float=Decimal, object_pairs_hook=_object)
    except (OSError, ValueError, RecursionError) as fault:
        raise Malformed(f"{path} cannot be read: {fault}.") from None
    if not isinstance(config, dict):
        raise Malformed(f"{path} must hold one object.")
    return config


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{', '.join(twice)} stands twice in one object")
    return dict(pairs)


def _jsonable(rules: dict[str, Any]) -> dict[str, Any]:
    """Decimals inside a JSON column become plain numbers; a decimal column takes them as they are."""
    return {name: _plain(value) if isinstance(value, dict | list) else value for name, value in rules.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return float(value) if isinstance(value, Decimal) else value
