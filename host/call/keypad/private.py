"""Masks private digits in stored text."""

from __future__ import annotations

import json
import re
from typing import Any

MASK = "\N{BULLET}"
"""Replaces a private key."""


class Secrets:
    """One call's private numbers, masked wherever a tool repeats them."""

    def __init__(self) -> None:
        self.known: set[str] = set()

    def add(self, secret: str) -> None:
        """Mask this number from now on."""
        if secret:
            self.known.add(secret)

    def hide(self, text: str) -> str:
        """Mask every private number in a text; JSON remains valid JSON."""
        if not self.known:
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
        for secret in sorted(self.known, key=len, reverse=True):
            alone = rf"(?<![\w*#]){re.escape(secret)}(?![\w*#])"
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
