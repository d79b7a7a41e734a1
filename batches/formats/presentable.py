"""Applicant text as an engine may see it: one canonical form, nothing invisible, no chat-template tokens."""

import re
import unicodedata

_LINE_ENDS = re.compile("\r\n|[\r\u2028\u2029]")

# Dropped: controls but tab and line feed, soft hyphen, fillers, zero-width space, bidirectional controls,
# invisible operators, variation selectors, interlinear marks, tags, halves of surrogate pairs. Kept: U+200C
# to U+200F, which Urdu, Persian and Hindi need.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u202a-\u202e\u2060-\u206f"
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e0fff]"
)

# What engines put between the turns of a chat; some read it as such inside the text of a user, too. Two
# patterns, as one that begins with a fixed character is found three times as fast.
_ANGLE_TOKENS = re.compile(
    "<(?=[|\uff5c]|<SYS>|<?/?(?:s|bos|eos|pad|unk|eot|sys|think|(?:start_of_|end_of_)?turn)[>|\uff5c])",
    re.IGNORECASE,
)
_SQUARE_TOKENS = re.compile(
    r"\[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|IMG|PREFIX|SUFFIX|MIDDLE)\])",
    re.IGNORECASE,
)
_ASCII_CONTROLS = bytes([*range(9), *range(11, 32), 127])


def presentable(text: str) -> str:
    """Return text in NFC, line ends LF, nothing invisible, template tokens broken by a space.

    Doing it twice changes nothing. What is said stays: no word, digit, or visible sign is taken away.
    """
    if not _is_clean(text):
        text = _INVISIBLE.sub("", _LINE_ENDS.sub("\n", text))
    text = unicodedata.normalize("NFC", text)
    if "<" in text:
        text = _ANGLE_TOKENS.sub("< ", text)
    if "[" in text:
        text = _SQUARE_TOKENS.sub("[ ", text)
    return text


def _is_clean(text: str) -> bool:
    """Return whether nothing needs to be dropped: a quick look that spares most texts two slow scans."""
    if text.isascii():
        return len(text.encode().translate(None, _ASCII_CONTROLS)) == len(text)
    return text.replace("\n", "").replace("\t", "").isprintable()
