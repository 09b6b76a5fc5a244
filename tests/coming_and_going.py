"""A web server of the tests that can go away and come back at the same address."""

from __future__ import annotations

import asyncio
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable

from aiohttp import web


class ComingAndGoing(ABC):
    """A web server, down at first: connections are refused, and nobody takes its port."""

    def __init__(self) -> None:
        self._socket = _held(0)
        self.port = self._socket.getsockname()[1]
        self._runner: web.AppRunner | None = None
        self._news = asyncio.Event()

    @abstractmethod
    def application(self) -> web.Application:
        """Make what is served."""

    async def up(self) -> None:
        """Answer from now on."""
        self._runner = web.AppRunner(self.application(), shutdown_timeout=0.1)
        await self._runner.setup()
        await web.SockSite(self._runner, self._socket).start()

    async def down(self) -> None:
        """Be gone as a killed server is: what was open is cut, and connections are refused."""
        if self._runner:
            await self._runner.cleanup()
            self._runner = None
            self._socket = _held(self.port)

    async def close(self) -> None:
        """Give the port back."""
        if self._runner:  # which closes its socket; to hold the port again might be too late
            await self._runner.cleanup()
            self._runner = None
        else:
            self._socket.close()

    async def until(self, holds: Callable[[], bool], limit: float = 20.0) -> None:
        """Wait until something holds; looked at after each message."""
        async with asyncio.timeout(limit):
            while not holds():
                self._news.clear()
                await self._news.wait()


def _held(port: int) -> socket.socket:
    """Have a port without listening at it."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", port))
    return held
