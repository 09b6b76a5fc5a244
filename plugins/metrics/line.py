"""The line from a call's process to the host that counts. Nothing that fails on it costs a call."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
from typing import Any

log = logging.getLogger("host")

ADDRESS = "_HOST_METRICS_SOCKET"
"""The variable that tells a call's process where the host listens. It is inherited; no setting."""
LIMIT = 1.0
"""Seconds that a host may take to hear us."""


async def connect() -> asyncio.StreamWriter | None:
    """Open a line to the host; None where nobody counts."""
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
    """Say something, a line of JSON."""
    if line is None:
        return
    try:
        line.write(json.dumps(what).encode() + b"\n")
        await asyncio.wait_for(line.drain(), LIMIT)
    except (OSError, TimeoutError) as error:
        log.warning("metrics: a call is not counted: %s", error or "the host does not listen")


async def close(line: asyncio.StreamWriter | None) -> None:
    """Close a line, once all that was said is on its way."""
    if line is None:
        return
    line.close()
    with contextlib.suppress(OSError, TimeoutError):
        await asyncio.wait_for(line.wait_closed(), LIMIT)
