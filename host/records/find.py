"""Finds a call by its id, a prefix of its id, or its room."""

from __future__ import annotations

from host.base.errors import HostError
from host.privacy import mask_room
from host.records.filters import in_log
from host.records.log import CallLog
from host.records.record import CallRecord


def find(log: CallLog, named: str) -> CallRecord:
    """Return the matching call. Raises HostError if there is none, or more than one."""
    rooms = {named, mask_room(named)}
    anywhere = (in_log("id", named)[:-1], *(in_log("room", room) for room in rooms))
    found = [
        record
        for record in log.newest_first(lambda line: any(each in line for each in anywhere))
        if record.room in rooms or record.id.startswith(named)
    ]
    exact = [record for record in found if record.id == named or record.room in rooms]
    match exact or found:
        case [record]:
            return record
        case []:
            raise HostError(f"{log.file} has no call {named!r}: see `python -m host calls`")
        case several:
            ids = ", ".join(record.id for record in several[:5])
            more = ", ..." if len(several) > 5 else ""
            raise HostError(f"{named!r} may be {len(several)} calls: {ids}{more}")
