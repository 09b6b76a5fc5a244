"""The usage of models in a call, summed over its sessions."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

from livekit.agents import AgentSession, SessionUsageUpdatedEvent
from livekit.agents.metrics import ModelUsage

from host.call.live import LiveCall
from host.records.record import Usage


def keep_usage(call: LiveCall, session: AgentSession[Any]) -> None:
    """Track a session's usage and update the call's total."""

    @session.on("session_usage_updated")
    def used(event: SessionUsageUpdatedEvent) -> None:
        note_usage(call, id(session), event.usage.model_usage)


def note_usage(call: LiveCall, source: int, usage: Iterable[ModelUsage]) -> None:
    """Set the usage of one source, such as a session, and update the call's total."""
    # Models without any usage are reported too.
    call.usage_by_session[source] = [each for each in map(_usage, usage) if each.amounts]
    call.state.usage = _together(chain.from_iterable(call.usage_by_session.values()))


def _together(parts: Iterable[Usage]) -> list[Usage]:
    """Sum usage by kind, provider and model."""
    whole: dict[tuple[str, str, str], Usage] = {}
    for part in parts:
        model = (part.kind, part.provider, part.model)
        amounts = dict(whole[model].amounts) if model in whole else {}
        for name, amount in part.amounts.items():
            amounts[name] = amounts.get(name, 0) + amount
        whole[model] = part.model_copy(update={"amounts": amounts})
    return list(whole.values())


def _usage(of_model: ModelUsage) -> Usage:
    """Convert LiveKit's usage: tokens, characters, seconds of audio; zero amounts are dropped."""
    facts = of_model.model_dump()
    kind, provider, model = facts.pop("type"), facts.pop("provider"), facts.pop("model")
    amounts = {name: amount for name, amount in facts.items() if amount}
    return Usage(kind=kind.removesuffix("_usage"), provider=provider, model=model, amounts=amounts)
