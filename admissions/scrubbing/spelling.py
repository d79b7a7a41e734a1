"""Compare names across spellings and scripts: Hsu and Xu, Nasir and Nasser, Шевченко and Shevchenko."""
# ruff: noqa: RUF001 - Cyrillic letters that look Latin are meant

import re
from collections.abc import Iterable
from functools import lru_cache

# Romanisation of Cyrillic, joint for Ukrainian, Russian, Bulgarian and Serbian; `_SOUNDS` evens out the rest.
_CYRILLIC = {
    **dict(zip("абвгґдеєжзиіїйклмнопрстуфыэъь", "abvhgdeezziiiiklmnoprstufie''", strict=True)),
    "ё": "e",
    "х": "h",
    "ц": "ts",
    "ч": "ch",
    "ш": "sh",
    "щ": "shch",
    "ю": "iu",
    "я": "ia",
    "ж": "zh",
    "ј": "i",
    "љ": "li",
    "њ": "ni",
    "ћ": "ch",
    "ђ": "d",
    "џ": "dzh",
}
_TRANSLITERATE = str.maketrans(_CYRILLIC)

# Letters that stand for one sound in one romanisation or another; applied in this order.
_SOUNDS = [
    (re.compile(pattern), sound)
    for pattern, sound in (
        (r"^hs|^x", "sh"),
        (r"shch|tsch|tch", "ch"),
        (r"ts|tz", "c"),
        (r"kh|gh", "h"),
        (r"th", "s"),
        (r"ph", "f"),
        (r"zh|dzh|dj", "j"),
        (r"ck|q", "k"),
        (r"g", "h"),
        (r"w", "v"),
        (r"ou|oo", "u"),
        (r"ai|ay|ei|ey", "ai"),
        (r"i?[yj](?=[aeou])", "i"),
        (r"[yj]", "i"),
        (r"ee|ie|[ei]", "i"),
        (r"[ou]", "u"),
        (r"[^a-z]", ""),
        (r"(.)\1+", r"\1"),
    )
]
_VOWELS = re.compile(r"(?<=.)[aiu]")


@lru_cache(maxsize=16384)
def sound(folded: str) -> str:
    """Return how a folded name sounds: equal for the usual romanisations of one name. Empty if unknown."""
    key = folded.translate(_TRANSLITERATE)
    for pattern, replacement in _SOUNDS:
        key = pattern.sub(replacement, key)
    return key


@lru_cache(maxsize=16384)
def skeleton(folded: str) -> str:
    """Return the consonants of the sound and a first vowel: a looser key, for words beside a known name."""
    return _VOWELS.sub("", sound(folded)).removesuffix("h")


def is_cyrillic(characters: Iterable[str]) -> bool:
    """Say whether there is a Cyrillic letter among `characters`, which may be a word."""
    return any("\u0400" <= character <= "\u04ff" for character in characters)
