"""Asks the parent for newer code, before a call begins.

Processes are started ahead of their calls. If the host has reloaded meanwhile, such a process has
old code; its call gets the new one: see `host.server.reload.control`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os

from host.registry import Code, take_over
from host.settings import Settings

log = logging.getLogger("host")

ADDRESS = "_HOST_CONTROL"
"""Environment variable with the path of the parent's socket. Inherited, not a setting."""
LIMIT = 3.0
"""Seconds that the parent may take to answer."""
LARGEST = 2**28
"""Bytes of an answer that are read."""


async def newest(edition: int) -> tuple[Settings, Code] | None:
    """Return the settings and the code that calls get now; None if they are those of `edition`.

    The registry is loaded from them.
    """
    address = os.environ.get(ADDRESS)
    if not address:
        return None  # no parent: a text chat or a test
    try:
        async with asyncio.timeout(LIMIT):
            reader, writer = await asyncio.open_unix_connection(address)
            try:
                writer.write(json.dumps({"want": "code", "has": edition}).encode() + b"\n")
                size = int(await reader.readline())
                if not 0 < size <= LARGEST:
                    return None
                # As LiveKit does with the settings of a new process: it comes from our parent,
                # through a socket in a private folder.
                return take_over(await reader.readexactly(size))
            finally:
                writer.close()
    except Exception as error:  # a call with older code is better than none
        log.warning("a call has not got the newest code: %r", error)
        return None
