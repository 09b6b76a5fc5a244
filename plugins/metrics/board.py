"""The host's side: listens to its calls, and shows what they add up to at /metrics."""

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
    """Serve /metrics at an address until cancelled. Port 0 is any that is free; the log says it."""
    with _listening() as listener, _counting() as counts:
        try:
            web, _ = start_http_server(port, host)
        except OSError as error:
            log.error("metrics can't be served at %s port %d: %s", host, port, error)
            return
        log.info("metrics at http://%s:%d/metrics", host, web.server_port)
        lines = await asyncio.start_unix_server(Ear(counts).listen, sock=listener)
        try:
            await asyncio.Event().wait()  # serve_forever() would wait for the live calls to end
        finally:
            lines.close()
            web.shutdown()
            web.server_close()


class Ear:
    """Listens to the line of each call."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    async def listen(self, line: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        """Hear one call out. It is live from its beginning to the end of its line."""
        live: str | None = None
        try:
            async for said in line:
                heard = json.loads(said)
                if "begun" in heard and live is None:
                    live = heard["begun"]
                    self._counts.live(live).inc()
                if "ended" in heard:
                    self._counts.ended(**heard["ended"])
        except ConnectionError:
            pass  # its process was killed
        finally:
            if live is not None:
                self._counts.live(live).dec()
            back.close()


@contextlib.contextmanager
def _listening() -> Iterator[socket.socket]:
    """Listen at an address that processes started from now on inherit.

    It may not await: LiveKit's forkserver, which takes the environment along, starts next.
    """
    folder = Path(tempfile.mkdtemp(prefix="host-"))  # open to its owner only, and short enough
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
    """Show our counts beside those of LiveKit and of Python."""
    ours = CollectorRegistry()
    counts = Counts(ours)
    REGISTRY.register(ours)
    try:
        yield counts
    finally:
        REGISTRY.unregister(ours)
