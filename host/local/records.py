"""Reads the call log of a host that runs in a process of its own."""

import asyncio
from pathlib import Path

from host.privacy import mask_room
from host.records.record import CallRecord


async def records_of(file: Path, room: str, limit: float) -> list[CallRecord]:
    """Wait until the log has a record of a room's call, at most `limit` seconds; give them all.

    Raises TimeoutError.
    """
    async with asyncio.timeout(limit):
        while True:
            # A line without its end is still being written; a text may have ends of its own.
            *lines, _ = file.read_bytes().split(b"\n") if file.exists() else [b""]
            records = [CallRecord.model_validate_json(line) for line in lines if line]
            if found := [record for record in records if record.room in (room, mask_room(room))]:
                return found
            await asyncio.sleep(0.05)  # another process writes it: there is no event
