"""Whether a call may be handed over to another persona, and what counts for each of them."""

from __future__ import annotations

import logging
import sqlite3

from livekit.agents import AgentTask

from host import registry
from host.base.errors import HostError
from host.base.text import close_to, quote
from host.call.live import LiveCall
from host.compliance.budget import Budget, Exhausted

log = logging.getLogger("host")

LEAST = 1.0
"""Seconds that a persona must have left for a call to be handed over to it."""


def require_allowed(call: LiveCall, to: str) -> None:
    """Raise HostError, one sentence, if the call can't be handed over to a persona now."""
    state, settings, by = call.state, call.persona_settings, call.persona
    if call.over or call.giving_up:
        raise HostError("the call is over")
    if not state.greeted:
        raise HostError("a call can't be handed over before its greeting")
    if state.connected or (call.transfers is not None and call.transfers.under_way):
        raise HostError("a transfer is under way")
    if call.session is not None and isinstance(call.session.current_agent, AgentTask):
        raise HostError(f"a task of {by} is under way")
    if to not in settings.hands_over_to:
        known = ", ".join(settings.hands_over_to) or "nobody"
        hint = close_to(to, settings.hands_over_to)
        raise HostError(f"{by} may hand over to {known}, and not to {quote(to)}{hint}")
    if to == by:
        raise HostError(f"{to} has the call already")
    if to not in registry.load(call.settings).personas:
        raise HostError(f"{to} can't take the call: it is not loaded")
    if len(state.personas) > settings.max_handovers:
        most = settings.max_handovers
        raise HostError(f"the call may not be handed over again (max_handovers is {most})")


class Shares:
    """Counts one call in the budgets of its personas, each with its share."""

    def __init__(self, call: LiveCall, *, counted: bool = True) -> None:
        self._call, self._counted = call, counted
        self._budget = Budget(call.settings.state_dir)

    def admit(self, to: str) -> float | None:
        """Count the call for another persona; return its seconds of talk, None for no limit.

        The seconds of its earlier shares are among them. Raises HostError if it has none left.
        """
        state, limits = self._call.state, self._call.settings.persona(to)
        before = state.talked_with(to)
        left: float | None = None
        if limits.max_duration - before < LEAST:
            raise HostError(f"{to} has had this call for its max_duration already")
        if not self._counted:
            return None
        try:
            left = self._budget.admit(state.share_id(to), to, limits, before=before)
        except Exhausted as error:
            raise HostError(str(error)) from error
        except (OSError, sqlite3.Error) as error:
            log.error("the calls of %s can't be counted: %s", to, error)
        if left is not None and left - before < LEAST:
            self.release(to)
            raise HostError(f"{to} has no minutes left today")
        return left

    def release(self, to: str) -> None:
        """Undo `admit`: the persona did not get the call."""
        self._settle(to, made=any(share.name == to for share in self._call.state.personas))

    def settle(self, by: str) -> None:
        """Store how long a persona has had the call that it hands over."""
        self._settle(by, made=True)

    def _settle(self, persona: str, *, made: bool) -> None:
        if not self._counted:
            return
        state, limits = self._call.state, self._call.settings.persona(persona)
        seconds = state.talked_with(persona)
        try:
            self._budget.settle(state.share_id(persona), seconds, limits, made=made)
        except (OSError, sqlite3.Error) as error:
            log.error("the calls of %s can't be counted: %s", persona, error)
