"""The newest calls of the call log by their beginning, without reading all of it.

The log is in the order in which calls ended, about: a record may be written late, after its
process died. Calls are ordered by when they began, since that does not change while they go on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ValidationError

from host.records.log import lines_from_the_end
from host.records.record import CallRecord

LATE = timedelta(minutes=10)
"""How long after the end of its call a record may be written by a host that is up."""
ROW = 100
"""Lines in a row that are too old, after which no line can be new enough.

Fewer may have been written late, by a host that was down when its calls ended.
"""
AT_A_TIME = 100
"""Calls that are judged at a time."""

Key = tuple[datetime, str]
"""When a call began, and its id: the order of calls."""

_ENDED = re.compile(rb'"ended_at":"([^"]{19})')


class Head(BaseModel):
    """What a record is chosen by; the rest of a line is not parsed."""

    id: str
    room: str
    dispatched_at: datetime

    @property
    def key(self) -> Key:
        """Its place in the order."""
        return self.dispatched_at, self.id


class _Line(NamedTuple):
    head: Head
    text: bytes


def newest(
    file: Path,
    limit: int,
    *,
    since: datetime,
    before: Key | None = None,
    may_fit: Callable[[bytes], bool] = lambda line: True,
    chosen: Callable[[Sequence[Head]], Sequence[Head]] = lambda heads: heads,
) -> list[CallRecord]:
    """Return the newest `limit` calls that began since then and before a key, newest first.

    `may_fit` filters lines, `chosen` calls. Of several records with one id, the last one counts.
    A missing log has none. Raises OSError.
    """
    best: list[_Line] = []
    bound = _Bound(since)
    waiting: list[_Line] = []
    for line in _lines(file, bound, may_fit):
        if line.head.dispatched_at < since or (before and line.head.key >= before):
            continue
        waiting.append(line)
        if len(waiting) >= AT_A_TIME:
            best, waiting = _best(best, waiting, limit, chosen), []
            if len(best) == limit:
                bound.move(best[-1].head.dispatched_at)
    best = _best(best, waiting, limit, chosen)
    return [CallRecord.model_validate_json(line.text) for line in best]


def find(file: Path, id: str, *, since: datetime) -> CallRecord | None:
    """Return the record of the call with an id that ended since then; None if there is none.

    Raises OSError.
    """
    wanted = f'"id":"{id}"'.encode()
    for line in _lines(file, _Bound(since), lambda line: wanted in line):
        if line.head.id == id:
            return CallRecord.model_validate_json(line.text)
    return None


def _best(
    best: list[_Line],
    more: list[_Line],
    limit: int,
    chosen: Callable[[Sequence[Head]], Sequence[Head]],
) -> list[_Line]:
    wanted = {head.id for head in chosen([line.head for line in more])}
    together = [*best, *(line for line in more if line.head.id in wanted)]
    return sorted(together, key=lambda line: line.head.key, reverse=True)[:limit]


def _lines(file: Path, bound: _Bound, may_fit: Callable[[bytes], bool]) -> Iterator[_Line]:
    """Yield fitting records from the end of the log, as long as newer ones may follow."""
    seen: set[str] = set()
    row = 0
    try:
        with file.open("rb") as opened:
            for text in lines_from_the_end(opened):
                ended = _ENDED.search(text)
                old = ended is not None and ended[1] < bound.prefix
                row = row + 1 if old else 0
                if row >= ROW:
                    return
                head = _head(text) if text.strip() and may_fit(text) else None
                if head is not None and head.id not in seen:
                    seen.add(head.id)
                    yield _Line(head, text)
    except FileNotFoundError:
        return


def _head(text: bytes) -> Head | None:
    try:
        return Head.model_validate_json(text)
    except ValidationError:
        return None  # no call record, or one of another version


class _Bound:
    """When the oldest call began that is still looked for: one that has ended before is older."""

    def __init__(self, oldest: datetime) -> None:
        self.move(oldest)

    def move(self, oldest: datetime) -> None:
        self.prefix = (oldest - LATE).astimezone(UTC).isoformat()[:19].encode()
        """Its time less LATE, as the log has it."""
