"""Runs the worker in this process until a signal stops it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import partial
from typing import Any

from livekit import api

from host import registry
from host.base.errors import PersonaError, SettingsError
from host.base.tasks import Tasks
from host.compliance import faults_of
from host.dispatch.livekit import livekit_api, livekit_of, require_livekit
from host.privacy import close_to_others, environment, write_for_owner_only
from host.privacy.logs import keep_private
from host.registry import Registry
from host.server.admission import check, make_server
from host.server.api.token import require_tokens
from host.server.connection import Connection
from host.server.disk import why_not_recorded
from host.server.health import Health, answering
from host.server.recovery import Recovery
from host.server.retention import purge_daily
from host.server.shutdown import Stopping
from host.settings import Settings, misspelt_settings
from host.speech.prompts import keep_sounds

log = logging.getLogger("host")

BESIDE_LIMIT = 5.0
"""Seconds that background tasks may take to stop."""


async def serve(settings: Settings, *, dev: bool, strict: bool = False) -> None:
    """Validate everything, register with LiveKit, and serve calls until SIGTERM or Ctrl-C.

    The first signal drains: live calls continue, new ones go to other hosts. After
    `drain_timeout`, on a second signal, and with `dev` on the first, calls say goodbye and end.
    Raises HostError for faults that the operator can fix.
    """
    keep_private(settings)
    await asyncio.to_thread(close_files, settings)
    loaded = registry.load(settings).require()
    refused = faults_of(settings, loaded.personas)
    for line in (*misspelt_settings(settings), *map(str, loaded.broken), *refused):
        log.warning(line)
    if kept := environment.kept_back(settings):
        log.warning("call processes do not get %s of .env (see pass_environment)", ", ".join(kept))
    if strict and loaded.broken:
        raise PersonaError(f"{len(loaded.broken)} faults in personas and plugins: see above")
    require_livekit(settings)
    require_tokens(settings)
    if faults := check(settings):
        raise SettingsError("; ".join(faults))
    async with livekit_api(settings) as livekit:
        await asyncio.wait_for(livekit.room.list_rooms(api.ListRoomsRequest()), 10)
    log.info("personas from %s, plugins from %s", loaded.personas_dir, loaded.plugins_dir)
    for plugin in loaded.plugins:
        if plugin.replaces:
            log.info("plugin %s (%s) replaces the bundled one", plugin.name, plugin.file)
    async with livekit_of(settings) as livekit:
        await _run(settings, loaded, livekit, dev=dev)


async def _run(settings: Settings, loaded: Registry, livekit: api.LiveKitAPI, *, dev: bool) -> None:
    """Run the worker and its background tasks until it has stopped."""
    recovery = Recovery(settings, dev=dev)
    server = make_server(settings, recovery.heartbeats, livekit, dev=dev)
    connection = Connection(server)

    async def launch(room: api.Room, token: str) -> None:
        await server.simulate_job(room.name, token=token, room_info=room)

    @server.once("worker_registered")
    def registered(worker_id: str, info: object) -> None:
        who, where = settings.agent_name, settings.livekit_url
        log.info("ready as %r at %s with %s", who, where, ", ".join(loaded.personas))

    recovery.launch = launch
    not_recorded = partial(why_not_recorded, settings.state_dir)
    health = Health(server, connection, recovery.heartbeats, settings.max_calls, not_recorded)
    stopping = Stopping(server, recovery, health, patience=0 if dev else settings.drain_timeout)
    port = 0 if dev else settings.health_port
    async with answering(health, settings.health_host, port), recovery.heartbeats.listening():
        # Processes are started from here on, so that they inherit the heartbeat's address.
        with connection.watched(), environment.kept_from_calls(settings):
            watched = recovery.heartbeats.__contains__
            beside = loaded.view(None).while_serving(settings=settings)
            own = (recovery.sweep(), keep_sounds(settings), purge_daily(settings))
            async with _beside(*own, *beside), _api(settings, health, watched, dev=dev):
                await stopping.run(server.run(devmode=dev))


@contextlib.asynccontextmanager
async def _api(
    settings: Settings, health: Health, watched: Callable[[str], bool], *, dev: bool
) -> AsyncIterator[None]:
    """Serve the HTTP API inside the block, if enabled."""
    if settings.api_port is None:
        yield
        return
    from host.server.api.server import answering_api  # takes a second to import

    async with answering_api(settings, lambda: health.closed, watched=watched, dev=dev):
        yield


def close_files(settings: Settings) -> None:
    """Make the files that hosts write private: future ones by umask, existing ones by mode."""
    write_for_owner_only()
    files = [settings.call_log]
    if database := settings.call_database:
        files += (database.with_name(database.name + end) for end in ("", "-wal", "-shm"))
    close_to_others((settings.state_dir, settings.recordings_dir), files)


@contextlib.asynccontextmanager
async def _beside(*works: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run background tasks inside the block. Failures are logged."""
    beside = Tasks()
    for work in works:
        beside.start(work, "a background task of the worker")
    try:
        yield
    finally:
        await beside.stop(BESIDE_LIMIT)
