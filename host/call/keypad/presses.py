"""Parses key strings such as `1w2,,#`."""

from __future__ import annotations

from collections.abc import Sequence

from host.base.errors import HostError
from host.base.presses import PAUSES, keys_and_pauses

KEYS = "0123456789*#ABCD"
"""DTMF keys, in the order of their RFC 4733 event codes."""
MOST = 100
"""Maximum number of keys and pauses in one string; no real menu needs as many."""


def read_presses(written: str) -> Sequence[str | float]:
    """Return the keys, in upper case, and the pauses between them in seconds.

    Raises HostError for any other character, an empty string, or more than MOST characters.
    """
    wrong = sorted(set(written.upper()) - set(KEYS) - set(PAUSES))
    if wrong or not written:
        what = f"{' '.join(map(repr, wrong))} can't be pressed" if wrong else "no keys are given"
        raise HostError(
            f"{what}: keys are {KEYS}, and pauses w (half a second) and , (two seconds)"
        )
    if len(written) > MOST:
        raise HostError(f"more than {MOST} keys and pauses are given at once")
    return keys_and_pauses(written)
