"""A Unix socket of the parent, whose address the processes of calls inherit."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

Hear = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def inherited_socket(hear: Hear, variable: str) -> AsyncIterator[str]:
    """Listen inside the block; gives the path, which processes started there find in `variable`."""
    folder = Path(tempfile.mkdtemp(prefix="host-"))  # private, and a short path
    address = str(folder / "socket")
    server = await asyncio.start_unix_server(hear, address)
    os.environ[variable] = address
    try:
        yield address
    finally:
        os.environ.pop(variable, None)
        server.close()
        shutil.rmtree(folder, ignore_errors=True)
