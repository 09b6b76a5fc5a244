"""Reads the call log of a host that runs in a process of its own."""

import asyncio
from pathlib import Path

from host.record import CallRecord


async def records_of(file: Path, room: str, limit: float) -> list[CallRecord]:
    """Wait until the log has a record of a room's call, at most `limit` seconds; give them all.

    Raises TimeoutError.
    """
    async with asyncio.timeout(limit):
        while True:
            lines = file.read_text().splitlines() if file.exists() else []
            records = [CallRecord.model_validate_json(line) for line in lines]
            if found := [record for record in records if record.room == room]:
                return found
            await asyncio.sleep(0.05)  # another process writes it: there is no event
