"""``make messages``: gather what pages say into the catalogues of locale/, compile them, and list what they lack.

Needs no GNU gettext: templates are read by Django's own lexer, modules by Python's, catalogues by polib.
"""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import allauth
import django
import polib
from django.utils.translation.template import templatize

from tests.borrowed_strings import ALLAUTH_TEMPLATES, BORROWED

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "locale"
LANGUAGES = {
    "ur": "nplurals=2; plural=(n != 1);",
    "ar": "nplurals=6; plural=n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5;",
}
MACHINE_MADE = "made by a machine, not reviewed by a person yet"
MODULES = ("enigma", "audit", "accounts", "admissions", "batches")
# Where applicants come by: a string from here, or one that is borrowed, must be in every language.
APPLICANTS = re.compile(
    r"templates/[^/]+\.html|(templates/(account|mfa|allauth|apply|reading)|admissions/pages|borrowed)/.*"
    r"|accounts/(forms|views|newcomers|adapters|own_account)\.py|admissions/(?!admin)\w+\.py"
)
# What the leading arguments of a call are.
CALLS = {
    "gettext": ("text",),
    "ngettext": ("text", "plural"),
    "pgettext": ("context", "text"),
    "npgettext": ("context", "text", "plural"),
}
NAMES = {"_": "gettext", **{name + end: name for name in CALLS for end in ("", "_lazy", "_noop")}}
LITERAL = r"""u?('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
IN_TEMPLATE = re.compile(rf"\b(_|n?p?gettext)\(\s*({LITERAL}(?:\s*,\s*{LITERAL}){{0,2}})")


@dataclass
class Text:
    """Something that pages say, and where."""

    text: str
    context: str | None = None
    plural: str | None = None
    places: set[str] = field(default_factory=set)

    @property
    def key(self) -> tuple[str | None, str]:
        """What catalogues know it by."""
        return self.context, self.text

    @property
    def ours(self) -> bool:
        """Whether it stands in a template or a module of this project."""
        return any(not place.startswith("borrowed/") for place in self.places)

    @property
    def for_applicants(self) -> bool:
        """Whether an applicant may read it."""
        return any(APPLICANTS.fullmatch(place) for place in self.places)


def gathered() -> dict[tuple[str | None, str], Text]:
    """Everything that is marked for translation, by its key."""
    found: dict[tuple[str | None, str], Text] = {}
    for place, one in _everywhere():
        known = found.setdefault(one.key, one)
        known.plural = known.plural or one.plural
        known.places.add(place)
    return found


def _everywhere() -> Iterator[tuple[str, Text]]:
    for path in sorted((ROOT / "templates").rglob("*.*")):
        yield from ((_name(path), one) for one in in_template(path.read_text()))
    for path in sorted(path for folder in MODULES for path in (ROOT / folder).rglob("*.py")):
        yield from ((_name(path), one) for one in in_module(path.read_text()))
    theirs = Path(allauth.__file__).parent / "templates"
    for name in ALLAUTH_TEMPLATES:
        yield from ((f"borrowed/{name}", one) for one in in_template((theirs / name).read_text()))
    yield from (("borrowed/strings", Text(text, context, plural)) for text, context, plural in BORROWED)


def upstream(language: str) -> set[tuple[str | None, str]]:
    """What Django and allauth say in a language themselves."""
    django_, allauth_ = (Path(module.__file__ or "").parent for module in (django, allauth))
    theirs = [django_ / "conf/locale", django_ / "contrib/auth/locale", allauth_ / "locale"]
    files = [path for place in theirs if (path := place / language / "LC_MESSAGES/django.mo").exists()]
    said = (entry for path in files for entry in polib.mofile(str(path)))
    return {(one.msgctxt, one.msgid) for one in said if one.msgstr or any(one.msgstr_plural.values())}


def wanted(language: str) -> dict[tuple[str | None, str], Text]:
    """Everything for the catalogue of a language: what is marked here, and what is borrowed untranslated."""
    said = upstream(language)
    return {key: one for key, one in gathered().items() if one.ours or key not in said}


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def in_template(source: str) -> Iterator[Text]:
    """What a template marks."""
    for call in IN_TEMPLATE.finditer(templatize(source)):
        yield _text(call[1], list(ast.literal_eval(f"({call[2]},)")))


def in_module(source: str) -> Iterator[Text]:
    """What a Python module marks."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in NAMES:
            said = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            if not said:
                raise SystemExit(f"line {node.lineno}: only a plain string can be translated: {ast.unparse(node)}")
            yield _text(node.func.id, said)


def _text(name: str, arguments: list[str]) -> Text:
    return Text(**dict(zip(CALLS[NAMES[name]], arguments, strict=False)))


def path_of(language: str) -> Path:
    """Where the catalogue of a language lies; the compiled one is beside it."""
    return LOCALE / language / "LC_MESSAGES" / "django.po"


def catalogue(language: str) -> polib.POFile:
    """The catalogue of a language as it lies there, or a new one."""
    if path_of(language).exists():
        return polib.pofile(str(path_of(language)), wrapwidth=110)
    fresh = polib.POFile(wrapwidth=110)
    fresh.metadata = {
        "Language": language,
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": LANGUAGES[language],
        "X-Translation": MACHINE_MADE,
    }
    return fresh


def renewed(language: str, texts: dict[tuple[str | None, str], Text]) -> polib.POFile:
    """The catalogue with every text of today in it; what was said once is kept below, and counts when it comes back."""
    old = {(entry.msgctxt, entry.msgid): entry for entry in catalogue(language)}
    new = catalogue(language)
    new.clear()
    for key, one in sorted(texts.items(), key=lambda item: (not item[1].for_applicants, item[0][1], item[0][0] or "")):
        new.append(_entry(one, old.pop(key, None), language))
    new.extend(_unused(entry) for entry in old.values() if entry.msgstr or any(entry.msgstr_plural.values()))
    return new


def _unused(entry: polib.POEntry) -> polib.POEntry:
    entry.obsolete, entry.occurrences = True, []
    return entry


def _entry(one: Text, old: polib.POEntry | None, language: str) -> polib.POEntry:
    entry = polib.POEntry(
        msgid=one.text, msgctxt=one.context, occurrences=[(place, "") for place in sorted(one.places)]
    )
    if re.search(r"%\(\w+\)[sd]", one.text):
        entry.flags.append("python-format")
    if one.plural:
        forms = int(LANGUAGES[language][len("nplurals=")])
        entry.msgid_plural = one.plural
        entry.msgstr_plural = dict.fromkeys(range(forms), "") | (old.msgstr_plural if old else {})
    else:
        entry.msgstr = old.msgstr if old else ""
    return entry


def missing(language: str) -> list[Text]:
    """What applicants may read and nobody says in a language: neither our catalogue nor those of Django and allauth."""
    said = {(entry.msgctxt, entry.msgid) for entry in catalogue(language).translated_entries()} | upstream(language)
    return [one for key, one in wanted(language).items() if one.for_applicants and key not in said]


def main(arguments: list[str]) -> int:
    """Write and compile the catalogues, unless only ``--missing`` is asked for; return 1 when something is missing."""
    if arguments not in ([], ["--missing"]):
        sys.stderr.write("usage: make messages [ARGS=--missing]\n")
        return 2
    lacking = 0
    for language in LANGUAGES:
        if not arguments:
            path_of(language).parent.mkdir(parents=True, exist_ok=True)
            new = renewed(language, wanted(language))
            new.save(str(path_of(language)))
            new.save_as_mofile(str(path_of(language).with_suffix(".mo")))
        left = missing(language)
        lacking += len(left)
        for one in left:
            sys.stdout.write(f"{language}: {one.text!r} ({', '.join(sorted(one.places))})\n")
        sys.stdout.write(f"{language}: {len(left)} missing of what applicants read\n")
    return min(lacking, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
