"""The mask of a process: what it keeps out of all that it tells."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from host.private.numbers import BULLETS, mask_in_logs
from host.private.secrets import mask_keys, mask_secrets, named_in, pattern_of

SHORTEST_WORDS = 12
"""Signs of a sentence that is looked for in a text. A shorter one, as "hello", proves nothing."""


@dataclass(frozen=True)
class Mask:
    """What is kept out of a text. Secrets always are."""

    secrets: frozenset[str] = frozenset()
    numbers: bool = True
    digits: bool = True
    words: bool = True
    said: Callable[[], Iterable[str]] = tuple
    """What was said in this process's call: its `words`."""

    def __call__(self, text: str) -> str:
        """Return a text without what nobody may read."""
        for words in self.said() if self.words else ():
            if len(words) >= SHORTEST_WORDS and words in text:
                text = text.replace(words, BULLETS)
        if self._known:
            text = self._known.sub(BULLETS, text)
        text = mask_secrets(text)
        if self.digits:
            text = mask_keys(text)
        return mask_in_logs(text, numbers=self.numbers, digits=self.digits)

    @cached_property
    def _known(self) -> re.Pattern[str] | None:
        return pattern_of(self.secrets)


_used: list[Mask] = []


def current() -> Mask:
    """Return the mask of this process: before any was put on, one that hides all it can."""
    if not _used:
        _used.append(Mask(named_in(os.environ)))
    return _used[-1]


def without_secrets(text: str) -> str:
    """Hide secrets alone: for what is told to whoever wrote the numbers themselves."""
    return dataclasses.replace(current(), numbers=False, digits=False, words=False)(text)


def use(mask: Mask) -> None:
    """Put a mask on this process."""
    _used[:] = [mask]


def keep_out(said: Callable[[], Iterable[str]]) -> None:
    """Keep out, from now on, what was said in a call."""
    use(dataclasses.replace(current(), said=said))


def mask(text: str) -> str:
    """Hide numbers, keys and secrets in a text, as the host's own logs do."""
    return current()(text)
