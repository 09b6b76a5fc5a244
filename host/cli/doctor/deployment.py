"""What checks look at: the settings, the personas, the machine, and LiveKit, read once for all."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Generic, TypeVar

from host import registry
from host.base.errors import HostError, SettingsError
from host.cli.doctor.finding import Skip
from host.cli.doctor.machine import Machine
from host.registry import Registry
from host.registry.configure import with_plugin_settings
from host.settings import Settings, load_settings

if TYPE_CHECKING:
    from host.cli.doctor.livekit import Registered
    from host.cli.routing import Routing

T = TypeVar("T")

READABLE, REACHABLE = "settings.readable", "livekit.reachable"


class Once(Generic[T]):
    """A value that several checks wait for; the first one that asks computes it for all."""

    def __init__(self, compute: Callable[[], Awaitable[T]]) -> None:
        self._compute = compute
        self._task: asyncio.Future[T] | None = None

    async def get(self) -> T:
        """Return the value. Raises what computing it raises, each time."""
        if self._task is None:
            self._task = asyncio.ensure_future(self._compute())
        return await asyncio.shield(self._task)  # one check's time limit is not another's


class Deployment:
    """A deployment, as far as it can be read. What can't be read raises Skip where it is needed."""

    def __init__(
        self,
        settings: Settings | None,
        loaded: Registry | None,
        *,
        fault: str = "",
        offline: bool = False,
        machine: Machine | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._settings, self._loaded = settings, loaded
        self.fault = fault
        """What is wrong with settings that can't be read; empty if nothing is."""
        self.offline = offline
        self.machine = machine or Machine()
        self.environment = dict(os.environ if environment is None else environment)
        self._rooms = Once(self._ask_for_rooms)
        self._routing = Once(self._read_routing)
        self._registered = Once(self._register)

    @property
    def settings(self) -> Settings:
        """The settings. Raises Skip if they can't be read."""
        if self._settings is None:
            raise Skip(f"the settings can't be read: see {READABLE}")
        return self._settings

    @property
    def loaded(self) -> Registry:
        """The personas and plugins. Raises Skip if they can't be loaded."""
        if self._loaded is None:
            raise Skip(f"personas can't be loaded: see {READABLE}")
        return self._loaded

    @property
    def complete(self) -> Settings:
        """The settings with those of plugins. Raises Skip if these can't be read."""
        if self.fault:
            raise Skip(f"the settings can't be read: see {READABLE}")
        return self.settings

    async def rooms(self) -> None:
        """Ask LiveKit for its rooms, which needs its address, its keys and their rights.

        Raises what livekit-api raises, and SettingsError without an address or keys.
        """
        await self._rooms.get()

    async def reached(self) -> None:
        """Raise Skip if LiveKit can't be reached with our keys."""
        from livekit.api import ServerError

        from host.dispatch.rooms import UNREACHABLE

        try:
            await self.rooms()
        except SettingsError as error:
            raise Skip("LiveKit's address and keys are missing: see livekit.settings") from error
        except (ServerError, *UNREACHABLE) as error:
            raise Skip(f"LiveKit can't be used: see {REACHABLE}") from error

    async def registered(self) -> Registered:
        """Return what LiveKit told a worker that registered. Raises Skip, and what aiohttp does."""
        await self.reached()
        return await self._registered.get()

    async def routing(self) -> Routing:
        """Return LiveKit's trunks and dispatch rules. Raises Skip if it has no SIP."""
        from livekit.api import ServerError

        try:
            return await self.routing_or_error()
        except ServerError as error:
            raise Skip("LiveKit's SIP can't be used: see livekit.sip") from error

    async def routing_or_error(self) -> Routing:
        """Return trunks and rules. Raises Skip without LiveKit, and what livekit-api raises."""
        await self.reached()
        return await self._routing.get()

    async def _ask_for_rooms(self) -> None:
        from host.cli.doctor.livekit import ask_for_rooms
        from host.dispatch.livekit import require_livekit

        require_livekit(self.settings)
        await ask_for_rooms(self.settings)

    async def _read_routing(self) -> Routing:
        from host.cli.routing import read
        from host.dispatch.livekit import livekit_of

        async with livekit_of(self.settings) as livekit:
            return await read(livekit)

    async def _register(self) -> Registered:
        from host.cli.doctor.livekit import register

        return await register(self.settings)


def read(*, offline: bool = False, machine: Machine | None = None) -> Deployment:
    """Read the deployment of the working directory and the environment. Never raises HostError."""
    settings: Settings | None = None
    loaded: Registry | None = None
    fault = ""
    try:
        settings = load_settings()
        loaded = registry.load(settings)
        settings = with_plugin_settings(settings, loaded)
    except HostError as error:
        fault = str(error)
    return Deployment(settings, loaded, fault=fault, offline=offline, machine=machine)
