"""The worker's connection to LiveKit: its state, and log lines on changes."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from livekit.agents import AgentServer

log = logging.getLogger("host")

_LIVEKITS_LOG = logging.getLogger("livekit.agents")
_ITS_WORDS = "failed to connect to livekit"


class Connection(logging.Filter):
    """Tracks whether the worker is registered with LiveKit.

    LiveKit reports a lost connection only in its log, once for each attempt to reconnect; this
    filter turns them into one line.
    """

    def __init__(self, server: AgentServer) -> None:
        super().__init__()
        self._server = server
        self._lost = False
        server.on("worker_registered", self._on_registered)

    @property
    def up(self) -> bool:
        """True while the worker is registered and can be offered jobs."""
        # Private: LiveKit exposes the loss of its websocket nowhere else, and `id` does not change.
        return self._server.id != "unregistered" and not self._server._connecting

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Log the loss of the connection and its recovery, inside the block."""
        _LIVEKITS_LOG.addFilter(self)
        try:
            yield
        finally:
            _LIVEKITS_LOG.removeFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        """Drop LiveKit's log lines about reconnecting; log the first as our own."""
        if not record.getMessage().startswith(_ITS_WORDS):
            return True
        if not self._lost:
            self._lost = True
            why = getattr(record, "error", None) or "no reason given"
            log.warning("lost the connection to LiveKit, reconnecting: %s", why)
        return False

    def _on_registered(self, worker_id: str, info: object) -> None:
        if self._lost:
            self._lost = False
            log.warning("reconnected to LiveKit")
