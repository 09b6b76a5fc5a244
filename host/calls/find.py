"""Finds one call by its id, the beginning of its id, or its room."""

from __future__ import annotations

from host.calls.log import CallLog
from host.calls.wanted import in_log
from host.errors import HostError
from host.record import CallRecord


def find(log: CallLog, named: str) -> CallRecord:
    """Find the call that is meant. Raises HostError where none is, or more than one."""
    its_room, its_id = in_log("room", named), in_log("id", named)[:-1]
    found = [
        record
        for record in log.newest_first(lambda line: its_id in line or its_room in line)
        if named in (record.id, record.room) or record.id.startswith(named)
    ]
    exact = [record for record in found if named in (record.id, record.room)]
    match exact or found:
        case [record]:
            return record
        case []:
            raise HostError(f"{log.file} has no call {named!r}: see `python -m host calls`")
        case several:
            ids = ", ".join(record.id for record in several[:5])
            more = ", ..." if len(several) > 5 else ""
            raise HostError(f"{named!r} may be {len(several)} calls: {ids}{more}")
