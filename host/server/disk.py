"""Tells whether calls can be recorded: on a full disk nothing new is answered or dialled."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryFile

from host.privacy import private_folder

PROBE = bytes(4096)
"""A block: a full disk may still have room for names."""


def why_not_recorded(state_dir: Path) -> str | None:
    """Return why no checkpoint can be written to `state_dir`; None if one can.

    Writes a file without a name, which takes less than a millisecond: any thread may ask.
    """
    folder = state_dir / "unfinished"
    try:
        private_folder(folder)
        with TemporaryFile(dir=folder) as file:
            file.write(PROBE)
    except OSError as error:
        return f"calls can't be recorded in {folder}: {error.strerror or error}"
    return None
