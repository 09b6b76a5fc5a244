"""Tells whether calls can be recorded: on a full disk nothing new is answered or dialled."""

from __future__ import annotations

import os
from pathlib import Path

from host.privacy import private_folder, private_opener

PROBE = bytes(4096)
"""A block: a full disk may still have room for names."""


def why_not_recorded(state_dir: Path) -> str | None:
    """Return why no checkpoint can be written to `state_dir`; None if one can.

    Writes a file, which takes less than a millisecond.
    """
    folder = state_dir / "unfinished"
    probe = folder / f"probe.{os.getpid()}.part"
    try:
        private_folder(folder)
        with open(probe, "wb", opener=private_opener) as file:
            file.write(PROBE)
        probe.unlink()
    except OSError as error:
        return f"calls can't be recorded in {folder}: {error.strerror or error}"
    return None
