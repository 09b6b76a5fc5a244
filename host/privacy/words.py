"""Masks quotations of a call's transcript in a text."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from host.privacy.numbers import BULLETS, mask_run
from host.privacy.secrets import spellings

SHORTEST_WORDS = 12
"""Minimum length of an utterance that is masked, in characters; "hello" is too common."""
SHORTEST_UNRECORDED = 5
"""The same for what is said off the record: "yes" is too common."""

_NOT_SPOKEN = re.compile(
    r"(no audio frames were pushed for text:).*?"
    r"(?=, retrying in \d|\n\n(?:The above exc|During handl)|\Z)",
    re.DOTALL,
)
"""LiveKit's error (livekit-agents 1.8.9, tts.py) about text without audio. It was not spoken, so
no transcript contains it."""


def mask_said(text: str, said: Iterable[str], *, shortest: int = SHORTEST_WORDS) -> str:
    """Mask utterances, regardless of case, in all their `spellings`."""
    text = _NOT_SPOKEN.sub(rf"\1 {BULLETS}", text)
    lower = text.lower()
    for words in sorted(said, key=len, reverse=True):  # one may begin another
        for form in _forms(words) if len(words) >= shortest else ():
            if form in lower:  # a hundred times faster than the pattern
                text = re.sub(re.escape(form), BULLETS, text, flags=re.IGNORECASE)
    return text


def mask_unrecorded(text: str, said: Iterable[str]) -> str:
    """Mask utterances and numbers that were said off the record, in all their spellings."""
    words: list[str] = []
    for each in said:
        if each.isdecimal():
            text = mask_run(text, each)
        else:
            words.append(each)
    return mask_said(text, words, shortest=SHORTEST_UNRECORDED) if words else text


@lru_cache(4096)
def _forms(words: str) -> tuple[str, ...]:
    return tuple({form.lower() for form in spellings(words)})
