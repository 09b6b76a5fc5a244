"""Tells whether words put a call on hold: a queue's announcement, or a person who needs a moment.

A queue speaks in set phrases, wherever they stand. "One moment" and its like count only if they are
all that was said, but for polite words: "hold on, I don't want that" is no hold. Each language is a
module of regular expressions by kind, matched without regard to case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from host.speech.hold.phrases import english, french, german, spanish

_LANGUAGES: Sequence[Mapping[str, Sequence[str]]] = (
    english.PHRASES,
    german.PHRASES,
    spanish.PHRASES,
    french.PHRASES,
)
_CLAUSES = re.compile(r"[.,;:!?¿¡…\N{EN DASH}\N{EM DASH}]+|\s-\s")


def _together(kind: str) -> re.Pattern[str]:
    phrases = [phrase for language in _LANGUAGES for phrase in language[kind]]
    return re.compile("|".join(f"(?:{phrase})" for phrase in phrases), re.IGNORECASE)


_ANNOUNCES, _WAITS, _BESIDES, _ADDRESSES, _MENU = map(
    _together, ("announces", "waits", "besides", "addresses", "menu")
)
_TRAILING = r"(?:\s+(?:please|thanks|thank you|sir|ma'am|bitte|por favor|s'il vous pla[iî]t))*"
_ASKS_TO_WAIT = re.compile(
    rf"(?:(?:please|just|okay|ok|yes|sure|and|so|um|uh|oh|bitte|ja|sí|oui)\s+)*"
    rf"(?:{_WAITS.pattern}){_TRAILING}(?:\s+(?:while|for the|until somebody) .*)?",
    re.IGNORECASE,
)


def hold_in(words: str) -> str:
    """Return the phrase that puts the call on hold; empty if these words do not.

    Words that offer a menu, or that are addressed to us ("how can I help you?"), do not.
    """
    said = _plain(words)
    if not said or _MENU.search(said) or is_addressed(said):
        return ""
    if match := _ANNOUNCES.search(said):
        return match[0].strip(" .,;!?")
    clauses = [clause.strip() for clause in _CLAUSES.split(said) if clause.strip()]
    waits = [clause for clause in clauses if _ASKS_TO_WAIT.fullmatch(clause)]
    others = (clause for clause in clauses if clause not in waits)
    return waits[0] if waits and all(map(_BESIDES.fullmatch, others)) else ""


def is_addressed(words: str) -> bool:
    """Return whether words are addressed to a listener, such as a greeting or an introduction.

    Not if somebody only asks for a moment after it: "Hello, one moment please."
    """
    said = _plain(words)
    clauses = [clause.strip() for clause in _CLAUSES.split(said) if clause.strip()]
    if any(map(_ASKS_TO_WAIT.fullmatch, clauses)) or _ANNOUNCES.search(said):
        clauses = [clause for clause in clauses if not _BESIDES.fullmatch(clause)]
        return any(map(_ADDRESSES.search, clauses))
    return bool(_ADDRESSES.search(said))


def is_recorded(words: str) -> bool:
    """Return whether only a machine says this: a queue's announcement, or a menu."""
    said = _plain(words)
    return bool(_MENU.search(said) or (_ANNOUNCES.search(said) and not is_addressed(said)))


def offers_menu(words: str) -> bool:
    """Return whether words offer keys to press."""
    return bool(_MENU.search(_plain(words)))


def _plain(words: str) -> str:
    return re.sub(r"\s+", " ", words.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")).strip()
