"""Runs the worker in this process until it is told to stop."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import sys
from datetime import UTC, datetime

from livekit import api
from livekit.agents import AgentServer

from host import registry
from host.desk import check, make_server
from host.errors import LiveKitError, PersonaError, SettingsError
from host.journal import Journal
from host.place import livekit_api, require_livekit
from host.settings import Settings, misspelt_settings
from host.tasks import Tasks

log = logging.getLogger("host")

BESIDE_LIMIT = 5.0
"""Seconds that what runs beside the worker may take to stop."""


async def serve(settings: Settings, *, dev: bool, strict: bool = False) -> None:
    """Check everything, register with LiveKit, serve calls until SIGTERM or Ctrl-C.

    The first signal drains: live calls come to their end, new ones are left to other hosts. A
    second one stops at once, and so does the first with `dev`. Raises HostError for what its
    reader can mend.
    """
    loaded = registry.load(settings).require()
    for line in (*misspelt_settings(), *map(str, loaded.broken)):
        log.warning(line)
    if strict and loaded.broken:
        raise PersonaError(f"{len(loaded.broken)} faults in personas and plugins: see above")
    require_livekit(settings)
    if faults := check(settings):
        raise SettingsError("; ".join(faults))
    async with livekit_api(settings) as livekit:
        await asyncio.wait_for(livekit.room.list_rooms(api.ListRoomsRequest()), 10)
    server = make_server(settings, dev=dev)

    @server.once("worker_registered")
    def registered(worker_id: str, info: object) -> None:
        log.info(
            "ready as %r at %s with %s",
            settings.agent_name,
            settings.livekit_url,
            ", ".join(loaded.personas),
        )

    beside = Tasks()
    beside.start(Journal(settings).watch(), "watching the calls' processes")
    for work in loaded.view(None).while_serving(settings=settings):
        beside.start(work, "while_serving")
    running = asyncio.create_task(server.run(devmode=dev))
    stopping = _Stopping(settings, running, server, drain=not dev)
    try:
        await running
    except asyncio.CancelledError:
        if not stopping.asked:
            raise
    except RuntimeError as error:
        raise LiveKitError(f"LiveKit was lost: {error}") from error
    finally:
        await beside.stop(BESIDE_LIMIT)


class _Stopping:
    """What signals do: the first drains, the second stops."""

    def __init__(
        self, settings: Settings, running: asyncio.Task[None], server: AgentServer, *, drain: bool
    ) -> None:
        self.asked = 0
        self._settings, self._running, self._server = settings, running, server
        self._drains = drain
        self._tasks: set[asyncio.Task[None]] = set()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._on_signal)

    def _on_signal(self) -> None:
        self.asked += 1
        first = self._drains and self.asked == 1
        if first:
            log.info("stopping when the live calls are over; once more to stop now")
        work = self._drain() if first else self._close()
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _drain(self) -> None:
        try:
            await self._server.drain(timeout=int(self._settings.drain_timeout))
        except TimeoutError:
            log.warning("calls were still live at the deadline")
        await self._close()

    async def _close(self) -> None:
        await self._server.aclose()
        self._running.cancel()


def log_to_terminal(*, verbose: bool = False) -> None:
    """Log lines that a person reads."""
    out = logging.StreamHandler(sys.stderr)
    out.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S"))
    if not verbose:
        out.addFilter(_matters)
    level = logging.DEBUG if verbose else logging.INFO
    logging.basicConfig(level=level, handlers=[out], force=True)


def log_as_json() -> None:
    """Log lines that a program reads: one JSON object each."""
    out = logging.StreamHandler(sys.stderr)
    out.setFormatter(_JsonLines())
    out.addFilter(_matters)
    logging.basicConfig(level=logging.INFO, handlers=[out], force=True)


def _matters(record: logging.LogRecord) -> bool:
    """Leave out what other people's code tells of its everyday work.

    A filter of the handler and no logger's level: calls log in processes of their own, and their
    records come to the handler alone.
    """
    if record.exc_text and isinstance(record.msg, str):
        # A record from a call's process has its traceback in the message, too.
        record.msg = record.msg.removesuffix(record.exc_text).rstrip()
    if record.name == "host" or record.name.startswith("host."):
        return True
    # LiveKit's SDK complains so each time that a room is left before its job ends.
    harmless = "Attempted to drop unknown FFI handle" in record.getMessage()
    return record.levelno >= logging.WARNING and not harmless


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **{key: getattr(record, key) for key in ("room", "persona") if hasattr(record, key)},
        }
        if record.exc_info or record.exc_text:
            trace = record.exc_text or self.formatException(record.exc_info)  # type: ignore[arg-type]
            line["trace"] = trace
        return json.dumps(line, default=str)
