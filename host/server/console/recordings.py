"""A call's recording: its file, and where in it something was said."""

from __future__ import annotations

import struct
from datetime import datetime, timedelta
from pathlib import Path

from host.records.record import CallRecord
from host.settings import Settings

_HEADER = struct.Struct("<4sBBq")
"""Beginning of an Ogg page (RFC 3533): capture pattern, version, flags, granule position."""
_LAST = 64 * 1024
"""Bytes at the end of a file that have its last page."""
OPUS_RATE = 48000
"""Granules a second, whatever rate was recorded (RFC 7845)."""
A_SECOND = 14.0
"""Signs that people speak in a second, about."""


def file_of(record: CallRecord, settings: Settings) -> Path | None:
    """Return a call's recording; None if it has none, or not in the folder of recordings."""
    if not record.recording or record.recording_discarded:
        return None
    file, folder = Path(record.recording).resolve(), settings.recordings_dir.resolve()
    return file if file.is_relative_to(folder) and file.is_file() else None


def length_of(file: Path) -> float | None:
    """Return the length of an Ogg file with Opus in seconds; None if it can't be read."""
    try:
        with file.open("rb") as opened:
            opened.seek(max(0, file.stat().st_size - _LAST))
            tail = opened.read()
    except OSError:
        return None
    at = tail.rfind(b"OggS")
    if at < 0 or len(tail) < at + _HEADER.size:
        return None
    *_, granules = _HEADER.unpack_from(tail, at)
    return float(granules / OPUS_RATE) if granules >= 0 else None


def begins_at(record: CallRecord, length: float) -> datetime:
    """Return when a recording begins: it goes on to the end of the call, unless it was stopped."""
    return (record.recording_stopped_at or record.ended_at) - timedelta(seconds=length)


def heard_at(at: datetime, who: str, text: str, begins: datetime, length: float) -> float | None:
    """Return where an utterance begins in the recording, in seconds; None if it is not in it.

    The persona's time is that of its first sound, the far end's that of the transcript, after it.
    """
    seconds = (at - begins).total_seconds()
    if who == "caller":
        seconds -= 0.5 + len(text) / A_SECOND
    return round(max(seconds, 0.0), 1) if -1.0 <= seconds <= length else None
