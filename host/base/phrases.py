"""Set phrases that a transcript is searched for, matched without regard to case."""

from __future__ import annotations

import re
from collections.abc import Iterable


def any_of(phrases: Iterable[str]) -> re.Pattern[str]:
    """Return a pattern that matches any of these regular expressions."""
    return re.compile("|".join(f"(?:{phrase})" for phrase in phrases), re.IGNORECASE)


def plain(words: str) -> str:
    """Return a transcript as phrases are written: single spaces and straight apostrophes."""
    return re.sub(r"\s+", " ", words.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")).strip()
