"""Serves the API in the host's own process and event loop."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator

import uvicorn
from starlette.types import ASGIApp

from host.base.errors import SettingsError, port_not_free
from host.registry import Follow
from host.server.api.app import Closed, make_api
from host.server.api.calls import Calls
from host.server.api.guard import Guard
from host.server.api.listing import CallLister
from host.server.api.placing import Placing
from host.server.api.protocol import CONNECTIONS, LONGEST_HEAD, Protocol
from host.server.api.token import tokens_of
from host.server.events import EventStream
from host.settings import Settings

log = logging.getLogger("host")

IDLE_TIME = 5
"""Seconds that an idle connection is kept open."""
CLOSING_LIMIT = 2
"""Seconds that a response in progress may take when the host stops."""


@contextlib.asynccontextmanager
async def answering_api(
    settings: Settings,
    closed: Closed,
    *,
    watched: Callable[[str], bool] | None = None,
    dev: bool = False,
    follow: Follow = lambda use: None,
    stream: EventStream | None = None,
) -> AsyncIterator[None]:
    """Serve the API inside the block. Port 0 is any free port, which the log shows.

    `watched`: whether this process looks after the call with an id; see `LiveCalls`. `follow` is
    told what is to follow each reload. `stream` has the events of calls; it is closed at the end.
    Raises SettingsError if the address or the state_dir can't
    be used.
    """
    listening = _listen(settings.api_host, settings.api_port or 0)
    placing = Placing(settings, dev=dev)
    calls = Calls(settings, placing, CallLister(settings, placing.store, watched))
    follow(calls.use)
    stream = stream or EventStream()
    guard = Guard(make_api(calls, closed, stream), tokens_of(settings), settings.api_rate)
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
        stream.close()
        server.should_exit = True
        if isinstance((await asyncio.gather(serving, return_exceptions=True))[0], Exception):
            log.error("the API failed", exc_info=serving.exception())
        listening.close()
        await placing.close()


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=Protocol,
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
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the host, which drains."""
        yield


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family)
    except OSError as error:
        raise port_not_free("HOST_API_PORT", host, port, error) from error
    address = listening.getsockname()
    log.info(
        "the API at http://%s:%d", host if family == socket.AF_INET else f"[{host}]", address[1]
    )
    if not ipaddress.ip_address(address[0]).is_loopback:
        log.warning("the API serves plain HTTP: put a TLS proxy in front of it")
    return listening
