"""What the stand-ins for speech and model services share: a web server on loopback."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

from aiohttp import web

WRONG_KEY = "wrong"
"""The API key that every stand-in refuses, so that a refusal can be tried."""


class LocalServer(ABC):
    """Serves an application on loopback; `url` is where."""

    url = ""
    port = 0
    """The port to serve on; 0 takes a free one."""
    shutdown_timeout = 0.5
    """Seconds that connections may take to close at the end."""

    @abstractmethod
    def application(self) -> web.Application:
        """Make what is served."""

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
