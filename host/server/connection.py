"""The worker's connection to LiveKit: whether it stands, and a log line when that changes."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from livekit.agents import AgentServer

log = logging.getLogger("host")

_LIVEKITS_LOG = logging.getLogger("livekit.agents")
_ITS_WORDS = "failed to connect to livekit"


class Connection(logging.Filter):
    """Knows whether LiveKit has this worker.

    LiveKit tells of a connection that is lost in its log alone, once for each of its tries: all of
    them become one line.
    """

    def __init__(self, server: AgentServer) -> None:
        super().__init__()
        self._server = server
        self._lost = False
        server.on("worker_registered", self._on_registered)

    @property
    def up(self) -> bool:
        """True while this worker is registered with LiveKit, which can offer it calls."""
        # Private: LiveKit says nowhere else that its websocket is gone, and `id` stays as it was.
        return self._server.id != "unregistered" and not self._server._connecting

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Tell in the log when LiveKit is lost, and when it is back, until the end of the block."""
        _LIVEKITS_LOG.addFilter(self)
        try:
            yield
        finally:
            _LIVEKITS_LOG.removeFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        """Let all of LiveKit's lines pass but those on its tries to connect."""
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
