"""Finds what was said in a call wherever a text quotes it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from host.privacy.numbers import BULLETS
from host.privacy.secrets import spellings

SHORTEST_WORDS = 12
"""Signs of a sentence that is looked for in a text. A shorter one, as "hello", proves nothing."""

_NOT_SPOKEN = re.compile(
    r"(no audio frames were pushed for text:).*?"
    r"(?=, retrying in \d|\n\n(?:The above exc|During handl)|\Z)",
    re.DOTALL,
)
"""LiveKit's error (livekit-agents 1.8.9, tts.py) for words that got no sound. No transcript has
them, because nobody heard them."""


def mask_said(text: str, said: Iterable[str]) -> str:
    """Hide what was `said`, in upper or lower case, also as addresses, JSON and `repr` write it."""
    text = _NOT_SPOKEN.sub(rf"\1 {BULLETS}", text)
    lower = text.lower()
    for words in said:
        for form in _forms(words) if len(words) >= SHORTEST_WORDS else ():
            if form in lower:  # which costs a hundredth of looking with a pattern
                text = re.sub(re.escape(form), BULLETS, text, flags=re.IGNORECASE)
    return text


@lru_cache(4096)
def _forms(words: str) -> tuple[str, ...]:
    return tuple({form.lower() for form in spellings(words)})
