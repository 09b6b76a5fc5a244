"""Keys as they are written down to be pressed: `1w2,,#`."""

from __future__ import annotations

from collections.abc import Sequence

from host.base.errors import HostError

KEYS = "0123456789*#ABCD"
"""The keys of a telephone, in the order of their RFC 4733 event codes."""
MOST = 100
"""Keys and pauses that may be written at once: nothing that a menu asks for is as long."""
PAUSES = {"W": 0.5, ",": 2.0}
"""Seconds of a pause: LiveKit's `w`, and the comma of every telephone's address book."""


def read_presses(written: str) -> Sequence[str | float]:
    """Return keys, in capitals, and the seconds of the pauses between them.

    Raises HostError where something is neither.
    """
    wrong = sorted(set(written.upper()) - set(KEYS) - set(PAUSES))
    if wrong or not written:
        what = f"{' '.join(map(repr, wrong))} can't be pressed" if wrong else "no keys are given"
        raise HostError(
            f"{what}: keys are {KEYS}, and pauses w (half a second) and , (two seconds)"
        )
    if len(written) > MOST:
        raise HostError(f"more than {MOST} keys and pauses are given at once")
    return [PAUSES.get(each, each) for each in written.upper()]
