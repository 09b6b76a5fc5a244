"""The mask of a process: what it keeps out of all that it tells."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from host.privacy.numbers import BULLETS, mask_in_logs, mask_pressed
from host.privacy.secrets import mask_keys, mask_secrets, named_in, pattern_of
from host.privacy.words import mask_said


@dataclass(frozen=True)
class Mask:
    """What is kept out of a text. Secrets always are."""

    secrets: frozenset[str] = frozenset()
    numbers: bool = True
    digits: bool = True
    words: bool = True
    said: Callable[[], Iterable[str]] = tuple
    """What was said in this process's call: its `words`."""
    pressed: Callable[[], Iterable[str]] = tuple
    """What was pressed in it, in a row, and each number that is private: its `digits`."""

    def __call__(self, text: str) -> str:
        """Return a text without what nobody may read."""
        if self.words:
            text = mask_said(text, self.said())
        text = self.without_secrets(text)
        if self.digits:
            text = mask_pressed(mask_keys(text), self.pressed())
        return mask_in_logs(text, numbers=self.numbers, digits=self.digits)

    def without_secrets(self, text: str) -> str:
        """Return a text without secrets, and with all else that is in it."""
        if self._known:
            text = self._known.sub(BULLETS, text)
        return mask_secrets(text)

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
    """Hide secrets alone: for what is told to whoever may see all else."""
    return current().without_secrets(text)


def use(mask: Mask) -> None:
    """Put a mask on this process."""
    _used[:] = [mask]


def keep_out(
    said: Callable[[], Iterable[str]], pressed: Callable[[], Iterable[str]] = tuple
) -> None:
    """Keep out, from now on, what was said and pressed in a call."""
    use(dataclasses.replace(current(), said=said, pressed=pressed))


def mask(text: str) -> str:
    """Hide numbers, keys and secrets in a text, as the host's own logs do."""
    return current()(text)
