"""Serves HTTP in the host's own process and event loop: the API, and the console."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
from collections.abc import AsyncIterator, Iterator

import uvicorn
from starlette.types import ASGIApp

from host.base.errors import port_not_free
from host.server.http.protocol import CONNECTIONS, LONGEST_HEAD, Protocol

log = logging.getLogger("host")

IDLE_TIME = 5
"""Seconds that an idle connection is kept open."""
CLOSING_LIMIT = 2
"""Seconds that a response in progress may take when the host stops."""


def listen(what: str, variable: str, host: str, port: int) -> socket.socket:
    """Return a socket that listens, and log its address. Port 0 is any free port.

    Raises SettingsError that names the `variable` of the port.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family)
    except OSError as error:
        raise port_not_free(variable, host, port, error) from error
    address = listening.getsockname()
    shown = host if family == socket.AF_INET else f"[{host}]"
    log.info("%s at http://%s:%d", what, shown, address[1])
    if not ipaddress.ip_address(address[0]).is_loopback:
        log.warning("%s serves plain HTTP: put a TLS proxy in front of it", what)
    return listening


@contextlib.asynccontextmanager
async def serving(
    what: str, app: ASGIApp, listening: socket.socket, *, protocol: type[Protocol] = Protocol
) -> AsyncIterator[None]:
    """Serve an app inside the block; the socket is closed then."""
    server = _Server(_config(app, protocol))
    task = asyncio.create_task(server.serve([listening]), name=what)
    try:
        yield
    finally:
        server.stop()
        if isinstance((await asyncio.gather(task, return_exceptions=True))[0], Exception):
            log.error("%s failed", what, exc_info=task.exception())
        listening.close()


def _config(app: ASGIApp, protocol: type[Protocol]) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        log_config=None,
        log_level="error",  # any client can cause its warnings
        access_log=False,
        backlog=CONNECTIONS,
        h11_max_incomplete_event_size=LONGEST_HEAD,
        timeout_keep_alive=IDLE_TIME,
        timeout_graceful_shutdown=CLOSING_LIMIT,
    )


class _Server(uvicorn.Server):
    """One that stops at once, and wakes the host once a second: uvicorn's own looks ten times."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """Take no further requests, and end when those in progress have."""
        self.should_exit = True
        self._stopped.set()

    async def main_loop(self) -> None:
        while not await self.on_tick(0):  # which also renews the header Date
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), 1)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the host, which drains."""
        yield
