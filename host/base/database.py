"""Opens a SQLite file of `state_dir`, which all processes of a host write to."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def open_table(file: Path, table: str, patience: float = 5.0) -> Iterator[sqlite3.Connection]:
    """Open a file, with its table made: nobody else reads or writes it until this is over.

    Only its owner may read it, and what is deleted is overwritten. Raises OSError or sqlite3.Error
    where that does not go within `patience` seconds.
    """
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    rows = sqlite3.connect(file, timeout=patience, isolation_level=None)
    try:
        rows.execute("PRAGMA secure_delete = ON")
        rows.execute("BEGIN IMMEDIATE")
        with rows:
            rows.execute(table)
            yield rows
    finally:
        rows.close()
