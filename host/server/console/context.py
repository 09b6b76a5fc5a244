"""What the pages of the console know of the host."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from starlette.requests import Request

from host.registry import Registry
from host.server.api.checking import Checker
from host.server.api.starting import Campaigns
from host.server.console.index import CallIndex
from host.server.console.sessions import Sessions
from host.server.console.standing import Standings
from host.server.events import Changes
from host.server.live_calls import LiveCalls, LiveFacts, Masks
from host.settings import Settings

FRESH = 0.5
"""Seconds for which the list of live calls is not read again: several people may look at it."""


class Console:
    """The settings and personas that are served, the calls, and who has signed in."""

    def __init__(
        self,
        settings: Settings,
        loaded: Registry,
        watched: Callable[[str], bool] | None = None,
        changes: Changes | None = None,
        checker: Checker | None = None,
    ) -> None:
        """`watched`: whether this process looks after the call with an id; see `LiveCalls`.

        `changes` tells of those in live calls. `checker` checks the rows of campaigns, and follows
        each reload; None: one of the console's own.
        """
        self.settings, self.loaded, self.masks = settings, loaded, Masks(settings)
        self.token = settings.console_token.get_secret_value().encode()
        self.sessions, self.index = Sessions(), CallIndex(settings)
        self.checker = checker or Checker(settings)
        self.campaigns = Campaigns(lambda: self.settings, lambda: self.checker)
        self.standings = Standings()
        self._live, self._reading = LiveCalls(settings, watched), threading.Lock()
        self.changes = changes or Changes()
        self._known: tuple[float, int, list[LiveFacts]] = (0.0, 0, [])

    def use(self, settings: Settings, loaded: Registry) -> None:
        """Show what a reload has brought."""
        self.settings, self.loaded, self.masks = settings, loaded, Masks(settings)
        self._live.use(settings)
        self.index.use(settings)
        self.changes.tell()  # they may mask less, or more

    def live(self) -> list[LiveFacts]:
        """Return the live calls, newest first. Reads files."""
        with self._reading:
            read, number, calls = self._known
            latest = self.changes.number
            if number != latest or time.monotonic() - read > FRESH or not read:
                calls = self._live.read().live
                self._known = time.monotonic(), latest, calls
            return calls


def console_of(request: Request) -> Console:
    """Return the app's console."""
    console: Console = request.app.state.console
    return console
