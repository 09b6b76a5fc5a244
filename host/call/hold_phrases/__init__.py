"""Tells whether words put a call on hold: a queue's announcement, or a person who needs a moment.

What only a queue says ("your call is important to us") counts wherever it stands. What people say,
too ("stay on the line", "one moment"), counts only if it is all that was said, but for polite
words: "hold on, I don't want that" is no hold. Each language is a module of regular expressions by
kind, matched without regard to case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from host.base.phrases import any_of, plain
from host.call.hold_phrases import english, french, german, spanish

LONGEST = 1000
"""Characters of an utterance that are read."""
_LANGUAGES: Sequence[Mapping[str, Sequence[str]]] = (
    english.PHRASES,
    german.PHRASES,
    spanish.PHRASES,
    french.PHRASES,
)
_CLAUSES = re.compile(r"[.,;:!?¿¡…\N{EN DASH}\N{EM DASH}]+|\s-\s")


_ANNOUNCES, _QUEUES, _WAITS, _BESIDES, _ADDRESSES, _MENU = (
    any_of(each for language in _LANGUAGES for each in language[kind])
    for kind in ("announces", "queues", "waits", "besides", "addresses", "menu")
)
_TRAILING = r"(?:\s+(?:please|thanks|thank you|sir|ma'am|bitte|por favor|s'il vous pla[iî]t))*"
_ASKS_TO_WAIT = re.compile(
    rf"(?:(?:please|just|okay|ok|yes|sure|and|so|um|uh|oh|bitte|ja|sí|oui)\s+)*"
    rf"(?:{_QUEUES.pattern}|{_WAITS.pattern}){_TRAILING}"
    r"(?:\s+(?:while|for the|until somebody) .*)?",
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
    clauses = _clauses(said)
    waits = [clause for clause in clauses if _ASKS_TO_WAIT.fullmatch(clause)]
    others = (clause for clause in clauses if clause not in waits)
    return waits[0] if waits and all(map(_BESIDES.fullmatch, others)) else ""


def is_addressed(words: str) -> bool:
    """Return whether words are addressed to a listener, such as a greeting or an introduction.

    Not if somebody only asks for a moment after it: "Hello, one moment please."
    """
    said = _plain(words)
    clauses = _clauses(said)
    if any(map(_ASKS_TO_WAIT.fullmatch, clauses)) or _ANNOUNCES.search(said):
        clauses = [clause for clause in clauses if not _BESIDES.fullmatch(clause)]
        return any(map(_ADDRESSES.search, clauses))
    return bool(_ADDRESSES.search(said))


def is_recorded(words: str) -> bool:
    """Return whether a machine says this: a queue's announcement, or a menu."""
    if offers_menu(words):
        return True
    clauses = _clauses(_plain(words))
    queue = _ANNOUNCES.search(_plain(words)) or any(map(_QUEUES.fullmatch, clauses))
    return bool(queue and hold_in(words))


def offers_menu(words: str) -> bool:
    """Return whether words offer keys to press."""
    return bool(_MENU.search(_plain(words)))


def _clauses(said: str) -> list[str]:
    return [clause.strip() for clause in _CLAUSES.split(said) if clause.strip()]


def _plain(words: str) -> str:
    return plain(words[:LONGEST])  # whoever speaks must not keep the event loop busy
