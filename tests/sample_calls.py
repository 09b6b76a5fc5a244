"""Calls for tests, made without LiveKit: nobody is on the line."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from host.call.live import LiveCall
from host.call.state import CallState
from host.registry import HOOKS
from host.settings import Settings


def call_of(
    settings: Settings, number: str | None = None, *, persona: str = "desk", **hooks: Any
) -> LiveCall:
    """A call of a persona that answers these hooks alone; where it has a number, we place it.

    Nobody wants to hear of other events. A hook is given as `NAME=function(call, ...)`: for an
    event it returns a list of coroutines, and `call.events.finish(1)` waits for them.
    """
    events = {name: nobody_is_told for name, hook in HOOKS.items() if hook.is_async}
    answers: Any = SimpleNamespace(**{**events, **hooks})
    return LiveCall(
        settings,
        CallState(id="AJ_1", room=f"{persona}-1", outbound=number is not None, number=number),
        persona=persona,
        hooks=answers,
    )


def nobody_is_told(**facts: Any) -> list[Any]:
    """Answer an event that no persona and no plugin wants to hear of."""
    return []


def an_answered_call(settings: Settings) -> LiveCall:
    """A call that we have placed, and that is under way. Its persona is not known yet."""
    call = LiveCall(
        settings, CallState(id="AJ_1", room="ann-1", outbound=True, number="+15552220001")
    )
    call.state.mark("dialled")
    call.state.mark("answered")
    return call


def a_call_with_a_job(settings: Settings, persona: str = "reminder") -> LiveCall:
    """A call as plugins tell it from a chat: LiveKit has a job for it."""
    call = call_of(settings, persona=persona)
    job: Any = object()
    call.job = job
    return call
