"""The host's side: receives the reports of calls, and serves their sums at /metrics."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry, start_http_server

from .counts import Counts
from .line import ADDRESS

log = logging.getLogger("host")


async def show(host: str, port: int) -> None:
    """Serve /metrics until cancelled. Port 0 is any free port, which the log shows."""
    with _listening() as listener, _counting() as counts:
        try:
            web, _ = start_http_server(port, host)
        except OSError as error:
            log.error("metrics can't be served at %s port %d: %s", host, port, error)
            return
        log.info("metrics at http://%s:%d/metrics", host, web.server_port)
        lines = await asyncio.start_unix_server(Reports(counts).listen, sock=listener)
        try:
            await asyncio.Event().wait()  # serve_forever() would wait for live calls at the end
        finally:
            lines.close()
            web.shutdown()
            web.server_close()


class Reports:
    """Receives the reports of calls."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    async def listen(self, line: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        """Read one call's connection. The call is live from its report to the connection's end.

        A later report moves it to the persona that it was handed over to.
        """
        live: str | None = None
        try:
            async for said in line:
                heard = json.loads(said)
                if "begun" in heard:
                    if live is not None:
                        self._counts.live(live).dec()
                    live = heard["begun"]
                    self._counts.live(live).inc()
                if "ended" in heard:
                    self._counts.ended(**heard["ended"])
        except ConnectionError:
            pass  # the process was killed
        finally:
            if live is not None:
                self._counts.live(live).dec()
            back.close()


@contextlib.contextmanager
def _listening() -> Iterator[socket.socket]:
    """Listen on a socket whose path is inherited by processes started from now on.

    It must not await: LiveKit's forkserver, which inherits the environment, starts next.
    """
    folder = Path(tempfile.mkdtemp(prefix="host-"))  # private, and a short path
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "calls"))
        listener.listen(128)
        os.environ[ADDRESS] = str(folder / "calls")
        try:
            yield listener
        finally:
            os.environ.pop(ADDRESS, None)
            shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def _counting() -> Iterator[Counts]:
    """Register the metrics beside those of LiveKit and Python."""
    registry = CollectorRegistry()
    counts = Counts(registry)
    REGISTRY.register(registry)
    try:
        yield counts
    finally:
        REGISTRY.unregister(registry)
