"""Runs the worker in this process until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from livekit import api

from host import registry
from host.access import livekit_of
from host.connection import Connection
from host.desk import check, make_server
from host.errors import PersonaError, SettingsError
from host.health import Health, answering
from host.place import livekit_api, require_livekit
from host.registry import Registry
from host.rescue import Rescue
from host.settings import Settings, misspelt_settings
from host.sounds import keep_sounds
from host.stopping import Stopping
from host.tasks import Tasks

log = logging.getLogger("host")

BESIDE_LIMIT = 5.0
"""Seconds that what runs beside the worker may take to stop."""


async def serve(settings: Settings, *, dev: bool, strict: bool = False) -> None:
    """Check everything, register with LiveKit, serve calls until SIGTERM or Ctrl-C.

    The first signal drains: live calls come to their end, new ones are left to other hosts. After
    `drain_timeout`, with a second signal, and with the first of `dev`, they are told goodbye.
    Raises HostError for what its reader can mend.
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
    async with livekit_of(settings) as livekit:
        await _run(settings, loaded, livekit, dev=dev)


async def _run(settings: Settings, loaded: Registry, livekit: api.LiveKitAPI, *, dev: bool) -> None:
    """Run the worker, and what watches over it, until it has stopped."""
    rescue = Rescue(settings, dev=dev)
    server = make_server(settings, rescue.lifelines, livekit, dev=dev)
    connection = Connection(server)

    async def launch(room: api.Room, token: str) -> None:
        await server.simulate_job(room.name, token=token, room_info=room)

    @server.once("worker_registered")
    def registered(worker_id: str, info: object) -> None:
        who, where = settings.agent_name, settings.livekit_url
        log.info("ready as %r at %s with %s", who, where, ", ".join(loaded.personas))

    rescue.launch = launch
    health = Health(server, connection, rescue.lifelines, settings.max_calls)
    stopping = Stopping(server, rescue, health, patience=0 if dev else settings.drain_timeout)
    port = 0 if dev else settings.health_port
    async with answering(health, settings.health_host, port), rescue.lifelines.listening():
        # Processes are made from here on: they know where the parent listens.
        with connection.watched():
            beside = loaded.view(None).while_serving(settings=settings)
            async with _beside(rescue.sweep(), keep_sounds(), *beside):
                await stopping.run(server.run(devmode=dev))


@contextlib.asynccontextmanager
async def _beside(*works: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Do something else as well, until the end of the block. What fails is logged."""
    beside = Tasks()
    for work in works:
        beside.start(work, "what runs beside the worker")
    try:
        yield
    finally:
        await beside.stop(BESIDE_LIMIT)
