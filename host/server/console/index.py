"""An index of the call log in memory: what calls are searched, counted and sorted by.

The log remains the one place of the records: the index has their place in it, and is made anew if
a purge has replaced the log. Words are indexed without their texts, and only those that records of
a persona may have by the settings of now. Nothing of it is written to a disk.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sqlite3
import stat
import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Any, BinaryIO

from pydantic import ValidationError

from host.records.record import CallRecord
from host.server.live_calls import Masks
from host.settings import Settings

LARGEST = 256 * 1024 * 1024
"""Bytes at the end of the log that are indexed."""
_TABLES = """
CREATE TABLE calls (
    row INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, at REAL, outcome TEXT,
    direction TEXT, number TEXT,
    ours TEXT, reference TEXT, answered INTEGER, duration REAL, first_word REAL,
    persona TEXT, cost REAL, currency TEXT, unpriced INTEGER,
    place INTEGER, size INTEGER);
CREATE INDEX calls_by_time ON calls(at, id);
CREATE TABLE personas (row INTEGER, name TEXT, PRIMARY KEY (name, row)) WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5(
    said, content='', tokenize="unicode61 remove_diacritics 2");
"""
_WITH_DIGITS = re.compile(r"\w*\d\w*")


class CallIndex:
    """The call log as a table. Its methods read files, and may be called in any thread."""

    def __init__(self, settings: Settings) -> None:
        self._log, self._reading = settings.call_log, threading.Lock()
        self._empty(settings)

    def use(self, settings: Settings) -> None:
        """Index the log anew, as these settings allow."""
        with self._reading:
            self._empty(settings)

    def rows(self, query: str, facts: dict[str, Any]) -> list[tuple[Any, ...]]:
        """Answer a query about everything that is in the log now. Raises OSError."""
        with self._reading:
            self._refresh()
            return self._rows.execute(query, facts).fetchall()

    def records(self, places: list[tuple[int, int]]) -> list[CallRecord]:
        """Return the records at some places; the caller redacts them. Raises OSError.

        Those that a purge has just removed are left out.
        """
        found: list[CallRecord] = []
        if not places:
            return found
        with self._log.open("rb") as log:
            for place, size in places:
                log.seek(place)
                with contextlib.suppress(ValidationError):
                    found.append(CallRecord.model_validate_json(log.read(size)))
        return found

    @property
    def begins_later(self) -> bool:
        """Whether the log is longer than what is indexed of it."""
        return self._from > 0

    def _empty(self, settings: Settings) -> None:
        self._settings, self._masks = settings, Masks(settings)
        self._rows = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._rows.executescript(_TABLES)
        self._file: tuple[int, int] = (0, 0)
        self._from = self._until = 0
        self._last = b""

    def _refresh(self) -> None:
        """Index what has been written since. A missing log has no calls, nor has a pipe."""
        try:
            if not stat.S_ISREG(mode := self._log.stat().st_mode) and not stat.S_ISDIR(mode):
                return  # opening a pipe would wait for a writer
            with self._log.open("rb") as log:
                facts = os.fstat(log.fileno())
                if not self._goes_on(log, facts):
                    self._empty(self._settings)
                    self._file = facts.st_dev, facts.st_ino
                    self._from = self._until = max(0, facts.st_size - LARGEST)
                if facts.st_size > self._until:
                    self._add(log)
        except FileNotFoundError:
            self._empty(self._settings)

    def _goes_on(self, log: BinaryIO, facts: os.stat_result) -> bool:
        """Return whether the log is the one that was read, and only longer."""
        if self._file != (facts.st_dev, facts.st_ino) or facts.st_size < self._until:
            return False
        log.seek(self._until - len(self._last))
        return log.read(len(self._last)) == self._last

    def _add(self, log: BinaryIO) -> None:
        log.seek(self._until)
        if self._until and not self._last:
            log.readline()  # the rest of a line that has begun before LARGEST
        with self._rows as rows:
            rows.execute("BEGIN")
            for place, line in _lines(log):
                self._until, self._last = place + len(line), line[-64:]
                try:
                    told = json.loads(line)
                    self._put(rows, told, place, len(line))
                except (ValueError, KeyError, TypeError, AttributeError):
                    continue  # no call record, or one of another version

    def _put(self, rows: sqlite3.Connection, told: dict[str, Any], place: int, size: int) -> None:
        names = [share["name"] for share in told.get("personas") or ()] or [told["persona"]]
        personas = list(dict.fromkeys(filter(None, names)))
        at = datetime.fromisoformat(told["dispatched_at"]).timestamp()
        mask, cost = self._masks, told.get("cost") or {}
        facts = (
            *(told["id"], at, told["outcome"], told["direction"]),
            *(mask.number(told.get(name), personas) for name in ("number", "our_number")),
            mask.id(told.get("reference"), told.get("number"), personas),
            *(told.get("answered_at") is not None, told["duration"]),
            *(told.get("time_to_first_word"), next(iter(personas), ""), cost.get("total")),
            *(cost.get("currency"), bool(cost.get("unpriced")), place, size),
        )
        rows.execute("DELETE FROM calls WHERE id = ?", (told["id"],))
        marks = ", ".join("?" * len(facts))
        row = rows.execute(f"INSERT INTO calls VALUES (NULL, {marks})", facts).lastrowid
        rows.executemany("INSERT INTO personas VALUES (?, ?)", [(row, each) for each in personas])
        words = self._words(told, personas)
        rows.execute("INSERT INTO words(rowid, said) VALUES (?, ?)", (row, words))

    def _words(self, told: dict[str, Any], personas: list[str]) -> str:
        """Return what a call is found by: what was said and why it ended."""
        shown = self._settings.of_a_call(personas)
        if not shown.record_transcripts:
            return ""
        said = [str(line["text"]) for line in told.get("transcript") or ()]
        text = "\n".join((*said, str(told.get("reason", ""))))
        return text if shown.record_numbers and shown.record_digits else _WITH_DIGITS.sub("", text)


def _lines(log: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield each whole line from here on, and its place; one without an end is still written."""
    while True:
        place = log.tell()
        line = log.readline()
        if not line.endswith(b"\n"):
            return
        yield place, line
