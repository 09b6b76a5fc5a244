"""A host that is told to stop while it still starts, as process 1 of a container, too."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from deployment import KEY, SECRET, Deployment

pytestmark = pytest.mark.processes

SLOW_TO_LOAD = """
import os
import threading

os.write(2, b"loading\\n")
threading.Event().wait()
"""
LIMIT = 60.0
PROVIDERS = ("DEEPGRAM", "OPENAI", "CARTESIA")
Host = asyncio.subprocess.Process


def like_process_1() -> None:
    """Ignore SIGTERM: the kernel drops it where process 1 has no handler."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # shells ignore it in the background


@asynccontextmanager
async def starting(command: str, livekit: str) -> AsyncIterator[Host]:
    """A host that starts, and is killed at the end if it has not ended by then."""
    livekits = {"LIVEKIT_URL": livekit, "LIVEKIT_API_KEY": KEY, "LIVEKIT_API_SECRET": SECRET}
    more = {**livekits, **{f"{name}_API_KEY": "unused" for name in PROVIDERS}}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "host", command),
        env={**os.environ, **more, "HOST_HEALTH_PORT": "0"},
        stderr=asyncio.subprocess.PIPE,
        preexec_fn=like_process_1,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def end_of(process: Host) -> tuple[int | None, bytes]:
    """Wait for a host's end; return its exit code and what else it wrote to stderr."""
    _, errors = await asyncio.wait_for(process.communicate(), LIMIT)
    return process.returncode, errors


@pytest.fixture
async def silent_livekit() -> AsyncIterator[tuple[str, asyncio.Future[bytes]]]:
    """A server that never answers: its URL, and the first line that it is asked."""
    asked: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = await reader.readline()
        if not asked.done():
            asked.set_result(line)
        await over.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    yield f"ws://127.0.0.1:{port}", asked
    over.set()
    server.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("command", ["start", "dev"])
async def test_a_host_that_loads_its_plugins_ends_at_once(
    deployment: Deployment, command: str, number: signal.Signals
) -> None:
    deployment.persona("ann")
    deployment.write("plugins/slow.py", f'"""Slow."""\n{SLOW_TO_LOAD}')
    async with starting(command, "ws://127.0.0.1:9") as process:
        assert process.stderr
        assert await asyncio.wait_for(process.stderr.readline(), LIMIT) == b"loading\n"
        process.send_signal(number)
        assert await end_of(process) == (0, b"")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_so_does_one_that_waits_for_livekit(
    deployment: Deployment,
    silent_livekit: tuple[str, asyncio.Future[bytes]],
    number: signal.Signals,
) -> None:
    deployment.persona("ann")
    url, asked = silent_livekit
    async with starting("start", url) as process:
        ended = asyncio.ensure_future(end_of(process))
        either: list[asyncio.Future[Any]] = [asked, ended]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        assert not ended.done(), await ended
        assert b"ListRooms" in await asked
        process.send_signal(number)
        code, errors = await ended
    assert code == 0
    assert b"Traceback" not in errors
