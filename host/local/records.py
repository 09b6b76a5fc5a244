"""Reads the call log of a host in another process."""

import asyncio
from pathlib import Path

from host.privacy import mask_room
from host.records.record import CallRecord


async def records_of(file: Path, room: str, limit: float) -> list[CallRecord]:
    """Wait up to `limit` seconds for records of a room's call; return all of them.

    Raises TimeoutError.
    """
    async with asyncio.timeout(limit):
        while True:
            # An unterminated last line is still being written.
            *lines, _ = file.read_bytes().split(b"\n") if file.exists() else [b""]
            records = [CallRecord.model_validate_json(line) for line in lines if line]
            if found := [record for record in records if record.room in (room, mask_room(room))]:
                return found
            await asyncio.sleep(0.05)  # written by another process, so there is no event
