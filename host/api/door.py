"""Opens the API at its address, in the host's own process and loop, until the host stops."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import ipaddress
import logging
import socket
import sqlite3
from collections.abc import AsyncIterator, Iterator

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from host.api.app import Closed, make_api
from host.api.guard import Guard
from host.api.placing import Placing
from host.errors import SettingsError
from host.settings import Settings

log = logging.getLogger("host")

HEAD_TIME = 10.0
"""Seconds that a client may take to send the head of a request."""
LONGEST_HEAD = 16 * 1024
"""Bytes that the head of a request may have."""
IDLE_TIME = 5
"""Seconds that a connection is kept for the next request."""
CONNECTIONS = 100
"""Connections at once; one more is told to come again."""
CLOSING_LIMIT = 2
"""Seconds that an answer which is under way may take when the host stops."""


@contextlib.asynccontextmanager
async def answering_api(settings: Settings, closed: Closed) -> AsyncIterator[None]:
    """Answer the API until the end of the block. Port 0 is any that is free; the log says it.

    Raises SettingsError where nothing can be answered there.
    """
    listening = _listen(settings.api_host, settings.api_port or 0)
    placing = Placing(settings)
    guard = Guard(
        make_api(placing, closed), settings.api_token.get_secret_value(), settings.api_rate
    )
    server = _Server(_config(guard))
    try:
        await placing.resume()
    except (OSError, sqlite3.Error) as error:
        listening.close()
        raise SettingsError(f"HOST_STATE_DIR: {settings.state_dir}: {error}") from error
    serving = asyncio.create_task(server.serve([listening]), name="the API")
    try:
        yield
    finally:
        server.should_exit = True
        if isinstance((await asyncio.gather(serving, return_exceptions=True))[0], Exception):
            log.error("the API failed", exc_info=serving.exception())
        listening.close()
        await placing.close()


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        log_config=None,
        log_level="warning",
        access_log=False,
        limit_concurrency=CONNECTIONS,
        h11_max_incomplete_event_size=LONGEST_HEAD,
        timeout_keep_alive=IDLE_TIME,
        timeout_graceful_shutdown=CLOSING_LIMIT,
    )


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the host: it drains."""
        yield


class _Protocol(H11Protocol):
    """HTTP that does not wait without end for a request to be whole: uvicorn has no such limit.

    While an answer is made, the guard has the time for the body.
    """

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._stop_waiting()

    def _wait(self) -> None:
        answered = self.conn.our_state is h11.DONE and self.conn.their_state is h11.SEND_BODY
        if not answered and self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_TIME, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._deadline:
            self._deadline.cancel()
            self._deadline = None


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family)
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        why = "another program has it" if taken else error.strerror or str(error)
        raise SettingsError(f"HOST_API_PORT: port {port} of {host} is not free: {why}") from error
    address = listening.getsockname()
    log.info(
        "the API at http://%s:%d", host if family == socket.AF_INET else f"[{host}]", address[1]
    )
    if not ipaddress.ip_address(address[0]).is_loopback:
        log.warning("the API speaks plain HTTP: keep it behind a proxy that speaks TLS")
    return listening
