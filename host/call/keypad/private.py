"""Masks private digits and words in stored text."""

from __future__ import annotations

import json
import re
from typing import Any

MASK = "\N{BULLET}"
"""Replaces a private key."""
SHORTEST_WORDS = 12
"""Minimum length of private words that are masked, in characters: "Monday" is too common."""
_BETWEEN = r"[ .\u00a0\u2010-\u2015-]?"
"""What a model puts between the digits of a card's number."""


class Secrets:
    """One call's private numbers and words, masked wherever a tool repeats them."""

    def __init__(self) -> None:
        self.known: set[str] = set()
        """Numbers, and keys with pauses."""
        self._words: set[str] = set()

    def add(self, secret: str) -> None:
        """Mask this number from now on."""
        if secret:
            self.known.add(secret)

    def add_words(self, words: str) -> None:
        """Mask these words from now on, if they are not too few."""
        if len(words) >= SHORTEST_WORDS:
            self._words.add(words)

    def hide(self, text: str) -> str:
        """Mask everything private in a text; JSON remains valid JSON."""
        if not (self.known or self._words):
            return text
        try:
            value = json.loads(text)
        except ValueError:
            return self._in_words(text)
        hidden = self._in_json(value)
        if hidden == value:
            return text
        return hidden if isinstance(hidden, str) else json.dumps(hidden, ensure_ascii=False)

    def _in_words(self, text: str) -> str:
        for words in sorted(self._words, key=len, reverse=True):  # one may begin another
            text = re.sub(re.escape(words), MASK * 4, text, flags=re.IGNORECASE)
        for secret in sorted(self.known, key=len, reverse=True):
            between = _BETWEEN if secret.isdecimal() else ""
            alone = rf"(?<![\w*#]){between.join(map(re.escape, secret))}(?![\w*#])"
            text = re.sub(alone, MASK * len(secret), text)
        return text

    def _in_json(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._in_words(value)
        if isinstance(value, dict):
            return {name: self._in_json(each) for name, each in value.items()}
        if isinstance(value, list):
            return [self._in_json(each) for each in value]
        if isinstance(value, int | float) and not isinstance(value, bool):
            masked = self._in_words(str(value))
            return value if masked == str(value) else masked
        return value
