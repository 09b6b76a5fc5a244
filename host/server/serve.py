"""Runs the worker in this process until a signal stops it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import TYPE_CHECKING

from livekit import api

from host import registry
from host.base.errors import PersonaError, SettingsError
from host.base.processes import this_process
from host.compliance import faults_of
from host.dispatch.livekit import livekit_api, livekit_of, require_livekit
from host.privacy import close_to_others, environment, write_for_owner_only
from host.privacy.logs import keep_private
from host.registry import Use
from host.server.admission import check, make_server
from host.server.api.token import require_tokens
from host.server.connection import Connection
from host.server.disk import why_not_recorded
from host.server.events import Changes, EventStream, receiving
from host.server.health import Health, answering
from host.server.recovery import Recovery
from host.server.reload import Background, Control, Reloader, Work, reloads_on_hangup, watch
from host.server.shared_models import SharedModels
from host.server.shutdown import Stopping
from host.settings import Settings, misspelt_settings

if TYPE_CHECKING:
    from host.server.api.placing import Placing

log = logging.getLogger("host")


async def serve(
    settings: Settings,
    *,
    dev: bool,
    strict: bool = False,
    use: Use = lambda settings, loaded: None,
) -> None:
    """Validate everything, register with LiveKit, and serve calls until SIGTERM or Ctrl-C.

    The first signal drains: live calls continue, new ones go to other hosts. After
    `drain_timeout`, on a second signal, and with `dev` on the first, calls say goodbye and end.
    SIGHUP reloads, and with `dev` every save; `use` is then called. Raises HostError for faults
    that the operator can fix.
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
        reloader = Reloader(settings, loaded, strict=strict)
        reloader.follow(use)
        await _run(reloader, livekit, dev=dev)


async def _run(reloader: Reloader, livekit: api.LiveKitAPI, *, dev: bool) -> None:
    """Run the worker and its background tasks until it has stopped."""
    settings, follow = reloader.settings, reloader.follow
    recovery = Recovery(settings, dev=dev)
    server = make_server(settings, recovery.heartbeats, livekit, dev=dev, follow=follow)
    connection, control = Connection(server), Control(reloader)
    models = SharedModels(settings, reloader.loaded)

    async def launch(room: api.Room, token: str) -> None:
        await server.simulate_job(room.name, token=token, room_info=room)

    @server.once("worker_registered")
    def registered(worker_id: str, info: object) -> None:
        who, where = settings.agent_name, settings.livekit_url
        log.info("ready as %r at %s with %s", who, where, ", ".join(reloader.loaded.personas))

    recovery.launch = launch
    not_recorded = partial(why_not_recorded, settings.state_dir)
    health = Health(server, connection, recovery.heartbeats, settings.max_calls, not_recorded)
    stopping = Stopping(server, recovery, health, patience=0 if dev else settings.drain_timeout)
    for use in (recovery.use, health.use, stopping.use, models.use):
        follow(use)
    port = 0 if dev else settings.health_port
    stream, changes = EventStream(), Changes()
    api_on, console_on = settings.api_port is not None, settings.console_port is not None
    async with (
        answering(health, settings.health_host, port),
        recovery.heartbeats.listening(),
        control.listening(),
        receiving(stream if api_on else None, changes)
        if api_on or console_on
        else contextlib.nullcontext(),
    ):
        # Processes are started from here on, so that they inherit the addresses of the sockets.
        with (
            connection.watched(),
            models.preloaded(),
            environment.kept_from_calls(settings),
            reloads_on_hangup(reloader.reload, stopping.ask),
        ):
            watched = recovery.heartbeats.__contains__
            own: list[Work] = [recovery.sweep]
            if dev:
                since = this_process().began
                own.append(partial(watch, lambda: reloader.settings, reloader.reload, since))
            async with (
                _beside(reloader, *own),
                _placing(reloader, health, dev=dev) as placing,
                _api(reloader, health, placing, watched, stream, dev=dev),
                _console(reloader, placing, watched, changes),
            ):
                await stopping.run(server.run(devmode=dev))


@contextlib.asynccontextmanager
async def _placing(reloader: Reloader, health: Health, *, dev: bool) -> AsyncIterator[Placing]:
    """Place scheduled calls and those of campaigns inside the block."""
    from host.server.api.running import placing_calls
    from host.server.campaigns import working_on_campaigns

    settings, follow = reloader.settings, reloader.follow

    def closed() -> str | None:
        return health.closed

    async with (
        placing_calls(settings, closed, dev=dev, follow=follow) as placing,
        working_on_campaigns(settings, placing, closed, follow=follow),
    ):
        yield placing


@contextlib.asynccontextmanager
async def _api(
    reloader: Reloader,
    health: Health,
    placing: Placing,
    watched: Callable[[str], bool],
    stream: EventStream,
    *,
    dev: bool,
) -> AsyncIterator[None]:
    """Serve the HTTP API inside the block, if enabled."""
    settings, follow = reloader.settings, reloader.follow
    if settings.api_port is None:
        yield
        return
    from host.server.api.server import answering_api  # takes a second to import

    async with answering_api(
        settings,
        lambda: health.closed,
        watched=watched,
        dev=dev,
        follow=follow,
        stream=stream,
        placing=placing,
    ):
        yield


@contextlib.asynccontextmanager
async def _console(
    reloader: Reloader, placing: Placing, watched: Callable[[str], bool], changes: Changes
) -> AsyncIterator[None]:
    """Serve the console inside the block, if enabled."""
    settings, loaded, follow = reloader.settings, reloader.loaded, reloader.follow
    if settings.console_port is None:
        yield
        return
    from host.server.console.server import answering_console  # takes a moment to import

    async with answering_console(
        settings,
        loaded,
        watched=watched,
        follow=follow,
        changes=changes,
        checker=placing.checker,
    ):
        yield


def close_files(settings: Settings) -> None:
    """Make the files that hosts write private: future ones by umask, existing ones by mode."""
    write_for_owner_only()
    files = [settings.call_log]
    if database := settings.call_database:
        files += (database.with_name(database.name + end) for end in ("", "-wal", "-shm"))
    close_to_others((settings.state_dir, settings.recordings_dir), files)


@contextlib.asynccontextmanager
async def _beside(reloader: Reloader, *works: Work) -> AsyncIterator[None]:
    """Run background tasks inside the block. Failures are logged."""
    beside = Background(*works)
    beside.use(reloader.settings, reloader.loaded)
    reloader.follow(beside.use)
    try:
        yield
    finally:
        await beside.stop()
