"""Whether the far end has put the call on hold."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Protocol

from host.base.clock import now

if TYPE_CHECKING:
    from livekit.agents import AgentSession

    from host.call.state import CallState

log = logging.getLogger("host")


class Emitter(Protocol):
    """Calls the hooks of an event."""

    def emit(self, event: str, **facts: Any) -> None: ...


class HeldCall(Protocol):
    """The call that is put on hold."""

    state: CallState
    session: AgentSession[Any] | None

    @property
    def events(self) -> Emitter: ...

    @property
    def over(self) -> bool: ...


class Hold:
    """One call's hold. While it is active, the persona keeps silent.

    The state itself is in `CallState.on_hold_since`, so that a takeover keeps it.
    """

    def __init__(self, call: HeldCall) -> None:
        self._call = call
        self.changed = asyncio.Event()
        """Set on each change; whoever waits clears it."""
        self.suppressed = False
        """Whether a reply to the far end's current words was suppressed on hold."""

    @property
    def active(self) -> bool:
        """True while the call is on hold."""
        return self._call.state.on_hold_since is not None

    @property
    def lasted(self) -> float:
        """Seconds on hold until now; 0 if the call is not on hold."""
        since = self._call.state.on_hold_since
        return (now() - since).total_seconds() if since else 0.0

    async def over(self) -> None:
        """Wait while the call is on hold."""
        while self.active:
            self.changed.clear()
            await self.changed.wait()

    def begin(self, reason: str) -> None:
        """Put the call on hold, and interrupt the persona: there is nobody to hear it."""
        if self.active or self._call.over:
            return
        self._call.state.on_hold_since = now()
        log.info("the %s put the call on hold: %s", self._call.state.other_party, reason)
        self._changed()
        session = self._call.session
        if session and (speech := session.current_speech) and speech.allow_interruptions:
            session.interrupt()

    def end(self, reason: str) -> None:
        """Resume the call."""
        if not self.active:
            return
        log.info("the hold is over after %.0f s: %s", self.lasted, reason)
        self._call.state.on_hold_since, self._call.state.hold_ended = None, True
        self._changed()

    def _changed(self) -> None:
        self.changed.set()
        self._call.events.emit("hold_changed", on_hold=self.active)
