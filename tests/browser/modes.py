"""The ways in which people read a page: light or dark, wide or narrow, which language, with scripts or without."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mode:
    """One way to read a page."""

    scheme: str = "light"
    width: int = 1280
    language: str = "en"
    scripts: bool = True

    def __str__(self) -> str:
        return f"{self.scheme}-{self.width}-{self.language}{'' if self.scripts else '-noscript'}"


PLAIN = Mode()
PHONE = Mode(width=320)
# Every two properties meet in one of these: light and dark, wide and narrow, three languages, scripts or none.
MODES = (
    PLAIN,
    Mode("dark", 320, "en", scripts=False),
    Mode("light", 320, "ur", scripts=True),
    Mode("dark", 1280, "ur", scripts=False),
    Mode("dark", 320, "ar", scripts=True),
    Mode("light", 1280, "ar", scripts=False),
)
# The console in English; right to left is asked of its layout alone (tests.browser.harness.mirror).
ENGLISH_MODES = (
    PLAIN,
    Mode("dark", 320, scripts=False),
    Mode("light", 320, scripts=False),
    Mode("dark", 1280),
)
