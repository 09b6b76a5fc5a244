"""The line to a provider: it can break, or go silent before an answer or in the middle of one."""

from __future__ import annotations

import asyncio
import contextlib
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class Wire:
    """Passes TCP on to a server on this machine; `url` is its address by way of this line."""

    def __init__(self, upstream: str) -> None:
        parts = urlsplit(upstream)
        self._scheme, self._host, self._port = parts.scheme, parts.hostname, parts.port
        self._writers: set[asyncio.StreamWriter] = set()
        self._passes: int | None = None
        """Bytes that still come back on each connection; None is any number."""
        self._is_cut = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.url = f"{self._scheme}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        self._abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Break every connection, and each new one at once."""
        self._is_cut = True
        self._abort()

    def stall(self, after: int = 0) -> None:
        """Stay open and bring nothing back any more, `after` so many bytes on each connection."""
        self._passes = after

    def heal(self) -> None:
        """Work again; connections that were silent are broken."""
        if self._passes is not None:
            self._abort()
        self._is_cut, self._passes = False, None

    def _abort(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            if not self._is_cut:
                await self._pass_on(reader, writer)
        except OSError:
            pass  # one side is gone
        finally:
            self._tasks.discard(task)
            self._writers.discard(writer)
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, onward = await asyncio.open_connection(self._host, self._port)
        self._writers.add(onward)
        ways = [
            asyncio.create_task(self._there(reader, onward)),
            asyncio.create_task(self._back(upstream, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._writers.discard(onward)
            onward.transport.abort()

    async def _there(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()

    async def _back(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if self._passes is not None:
                    data = data[: max(0, self._passes - passed)]
                    passed += len(data)
                writer.write(data)
                await writer.drain()
