"""Keeps private keys out of what is written down."""

from __future__ import annotations

import json
import re
from typing import Any

MASK = "\N{BULLET}"
"""Stands for a private key."""


class Secrets:
    """The private numbers of one call, to be hidden wherever a tool repeats them."""

    def __init__(self) -> None:
        self.known: set[str] = set()

    def add(self, secret: str) -> None:
        """Remember a number that nobody may write down."""
        if secret:
            self.known.add(secret)

    def hide(self, text: str) -> str:
        """Mask every private number in a text; JSON stays JSON."""
        if not self.known:
            return text
        try:
            told = json.loads(text)
        except ValueError:
            return self._in_words(text)
        hidden = self._in_json(told)
        if hidden == told:
            return text
        return hidden if isinstance(hidden, str) else json.dumps(hidden, ensure_ascii=False)

    def _in_words(self, text: str) -> str:
        for secret in sorted(self.known, key=len, reverse=True):
            alone = rf"(?<![\w*#]){re.escape(secret)}(?![\w*#])"
            text = re.sub(alone, MASK * len(secret), text)
        return text

    def _in_json(self, told: Any) -> Any:
        if isinstance(told, str):
            return self._in_words(told)
        if isinstance(told, dict):
            return {name: self._in_json(value) for name, value in told.items()}
        if isinstance(told, list):
            return [self._in_json(value) for value in told]
        if isinstance(told, int | float) and not isinstance(told, bool):
            masked = self._in_words(str(told))
            return told if masked == str(told) else masked
        return told
