"""The connection of a call's process to the host that counts. A failure never affects a call."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
from typing import Any

log = logging.getLogger("host")

ADDRESS = "_HOST_METRICS_SOCKET"
"""Environment variable with the path of the host's socket. Inherited, not a setting."""
LIMIT = 1.0
"""Seconds that the host may take to read."""


async def connect() -> asyncio.StreamWriter | None:
    """Connect to the host; None if it does not count."""
    address = os.environ.get(ADDRESS)
    if not address:
        return None
    try:
        _, writer = await asyncio.wait_for(asyncio.open_unix_connection(address), LIMIT)
    except (OSError, TimeoutError) as error:
        log.warning("metrics: a call is not counted: %s", error or "the host does not listen")
        return None
    return writer


async def say(line: asyncio.StreamWriter | None, what: dict[str, Any]) -> None:
    """Send a line of JSON."""
    if line is None:
        return
    try:
        line.write(json.dumps(what).encode() + b"\n")
        await asyncio.wait_for(line.drain(), LIMIT)
    except (OSError, TimeoutError) as error:
        log.warning("metrics: a call is not counted: %s", error or "the host does not listen")


async def close(line: asyncio.StreamWriter | None) -> None:
    """Close the connection after everything is sent."""
    if line is None:
        return
    line.close()
    with contextlib.suppress(OSError, TimeoutError):
        await asyncio.wait_for(line.wait_closed(), LIMIT)
