"""The mask of a process, applied to all its output."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

from host.privacy.numbers import BULLETS, mask_in_logs, mask_known, mask_pressed
from host.privacy.secrets import mask_keys, mask_secrets, named_in, pattern_of
from host.privacy.words import mask_said, mask_unrecorded


@dataclass(frozen=True)
class Mask:
    """What is masked in a text. Secrets always are."""

    secrets: frozenset[str] = frozenset()
    numbers: bool = True
    digits: bool = True
    words: bool = True
    said: Callable[[], Iterable[str]] = tuple
    """Utterances of this process's call, for `words`."""
    pressed: Callable[[], Iterable[str]] = tuple
    """Keys of the call in sequence, and each private number, for `digits`."""
    own: Callable[[], Iterable[str]] = tuple
    """Telephone numbers of the call, for `numbers`: masked however they are written."""
    unrecorded: Callable[[], Iterable[str]] = tuple
    """Utterances off the record, and digits in them: masked whatever the settings allow."""

    def __call__(self, text: str) -> str:
        """Return a text with private data masked."""
        text = mask_unrecorded(text, self.unrecorded())
        if self.words:
            text = mask_said(text, self.said())
        text = self.without_secrets(text)
        if self.numbers:
            text = mask_known(text, self.own())
        if self.digits:
            text = mask_pressed(mask_keys(text), self.pressed())
        return mask_in_logs(text, numbers=self.numbers, digits=self.digits)

    def without_secrets(self, text: str) -> str:
        """Return a text with secrets masked and nothing else."""
        if self._known:
            text = self._known.sub(BULLETS, text)
        return mask_secrets(text)

    @cached_property
    def _known(self) -> re.Pattern[str] | None:
        return pattern_of(self.secrets)


_used: list[Mask] = []


def current() -> Mask:
    """Return the process's mask; the default one masks everything."""
    if not _used:
        _used.append(Mask(named_in(os.environ)))
    return _used[-1]


def without_secrets(text: str) -> str:
    """Mask secrets only: for readers who may see the rest."""
    return current().without_secrets(text)


def use(mask: Mask) -> None:
    """Set the process's mask."""
    _used[:] = [mask]


def keep_out(
    said: Callable[[], Iterable[str]],
    pressed: Callable[[], Iterable[str]] = tuple,
    own: Callable[[], Iterable[str]] = tuple,
    unrecorded: Callable[[], Iterable[str]] = tuple,
) -> None:
    """Mask a call's words, keys and telephone numbers from now on."""
    use(dataclasses.replace(current(), said=said, pressed=pressed, own=own, unrecorded=unrecorded))


def mask(text: str) -> str:
    """Mask a text with the process's mask, as the host's logs do."""
    return current()(text)
