"""Keys and pauses as people write them: `1w2,,#`."""

from __future__ import annotations

PAUSES = {"W": 0.5, ",": 2.0}
"""Pauses in seconds: LiveKit's `w`, and the comma of telephone address books."""


SECONDS_A_KEY = 0.5
"""Seconds that LiveKit SIP takes for a key, and for a `w`."""


def in_livekits_notation(written: str) -> str:
    """Return keys and pauses as LiveKit SIP reads them: it knows no comma and no capitals."""
    return written.lower().replace(",", "wwww")


def keys_and_pauses(written: str) -> list[str | float]:
    """Return the keys, in upper case, and the pauses between them in seconds."""
    return [PAUSES.get(each, each) for each in written.upper()]
