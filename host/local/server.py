"""Base of the local provider servers: a web server on loopback."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from aiohttp import web

WRONG_KEY = "wrong"
"""The API key that every local server rejects."""


class LocalServer(ABC):
    """Serves an application on loopback, at `url`."""

    url = ""
    port = 0
    """Port to serve on; 0: a free one."""
    shutdown_timeout = 0.5
    """Seconds that connections may take to close at the end."""

    @abstractmethod
    def application(self) -> web.Application:
        """Return the application to serve."""

    async def __aenter__(self) -> Self:
        self._runner = web.AppRunner(
            self.application(),
            handle_signals=False,
            access_log=None,
            shutdown_timeout=self.shutdown_timeout,
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._runner.cleanup()
