"""One look at LiveKit, and what follows from it."""

from __future__ import annotations

from livekit import api

from host.cli.provision import clashes
from host.cli.provision.plan import Change, changes, ours_in
from host.cli.provision.wanted import wanted_of
from host.cli.routing import read
from host.registry import Registry
from host.settings import Settings


class Session:
    """The plan of a deployment; `read` makes it, and makes it anew."""

    def __init__(self, settings: Settings, loaded: Registry, livekit: api.LiveKitAPI) -> None:
        self.livekit = livekit
        self._settings, self._loaded = settings, loaded
        self._wanted = wanted_of(settings, loaded)
        self.changes: list[Change] = []
        self.faults: list[str] = []
        """What stands in the way of every change."""
        self.warnings: list[str] = []

    async def read(self) -> None:
        """Read what LiveKit has, and compare it with what is wanted."""
        settings, loaded, wanted = self._settings, self._loaded, self._wanted
        found = await read(self.livekit)
        trunks = clashes.trunks_of(settings)
        ours = ours_in(found, wanted, list(trunks.values()))
        self.changes = changes(wanted, ours)
        self.faults = [
            *clashes.faults_of_settings(settings, loaded, wanted),
            *clashes.faults_in(found, settings, wanted, ours),
        ]
        self.warnings = list(clashes.warnings_in(found, settings, loaded, wanted, ours))
