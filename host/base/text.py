"""Sanitizes untrusted text: bounded length, no invisible characters."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable

MARK = "\N{REPLACEMENT CHARACTER}"
"""Replaces an invisible character. Removing it could turn a forged number into another one."""

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that control a terminal, reverse a line or hide in it."""
_BLANK = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Invisible letters, signs and marks: fillers, variation selectors, empty Braille."""


def sanitize(text: str, longest: int) -> str:
    """Return one line of at most `longest` characters, with an ellipsis if it was cut."""
    kept = text if len(text) <= longest else f"{text[: longest - 1]}…"
    kept = _BLANK.sub(MARK, kept)
    if kept.isprintable():
        return kept
    return "".join(MARK if unicodedata.category(each) in _UNSEEN else each for each in kept)


def quote(value: object, longest: int = 80) -> str:
    """Quote an untrusted value for a log line or a reason: escaped, in ASCII, and cut.

    ASCII exposes letters that imitate others.
    """
    text = ascii(value[: longest + 1] if isinstance(value, str) else value)
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def escape(text: str) -> str:
    """Escape control and invisible characters, except line feeds and tabs."""
    if text.isprintable():
        return text
    return "".join(
        ascii(each)[1:-1] if each not in "\n\t" and unicodedata.category(each) in _UNSEEN else each
        for each in text
    )


def close_to(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean NAME?` for the most similar known name, else an empty string."""
    close = difflib.get_close_matches(name, list(known), 1)
    return f"; did you mean {close[0]}?" if close else ""
