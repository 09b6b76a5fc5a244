"""Text that comes from outside: bounded in length, with nothing in it that can't be seen."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable

MARK = "\N{REPLACEMENT CHARACTER}"
"""Stands for a character that can't be seen. It is not left out: what is left of a forged number
must not be another number."""

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode's categories of what writes over a terminal, turns a line around, or hides in it."""
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Letters, signs and marks that nobody sees either: fillers, variation selectors, empty Braille."""


def sanitize(text: str, longest: int) -> str:
    """Return text as one line of at most `longest` characters, an ellipsis where it was cut."""
    kept = text if len(text) <= longest else f"{text[: longest - 1]}…"
    kept = _BLANK.sub(MARK, kept)
    if kept.isprintable():
        return kept
    return "".join(MARK if unicodedata.category(each) in _UNSEEN else each for each in kept)


def quote(value: object, longest: int = 80) -> str:
    """Show what came from outside in a log line or a reason: escaped, in ASCII, and cut.

    Letters that only look like those of a name are told from them.
    """
    text = ascii(value[: longest + 1] if isinstance(value, str) else value)
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def escape(text: str) -> str:
    """Escape what would write over a terminal, or turn a line around; ends of lines stay."""
    if text.isprintable():
        return text
    return "".join(
        ascii(each)[1:-1] if each not in "\n\t" and unicodedata.category(each) in _UNSEEN else each
        for each in text
    )


def close_to(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean NAME?` where a known name is spelt alike, otherwise nothing."""
    close = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean {close[0]}?" if close else ""
