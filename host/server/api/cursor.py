"""The cursor of a page: the place of its last call in the order of calls."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime, timedelta

from host.records.recent import Key

LONGEST = 200
"""Maximum length of a cursor, in characters."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def write_cursor(key: Key) -> str:
    """Return a cursor for a URL; opaque to clients."""
    text = f"{(key[0] - _EPOCH) // _MICROSECOND}.{key[1]}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> Key:
    """Return the key in a cursor. Raises ValueError."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        at, _, id = base64.b64decode(padded, b"-_", validate=True).decode("ascii").partition(".")
        key = _EPOCH + int(at) * _MICROSECOND, id
    except (ValueError, OverflowError, binascii.Error):
        raise ValueError("it is not one that this API has returned") from None
    if write_cursor(key) != cursor:
        raise ValueError("it is not one that this API has returned")
    return key
