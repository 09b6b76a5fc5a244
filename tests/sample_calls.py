"""Calls for tests, made without LiveKit: nobody is on the line."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from host.call.call import Call
from host.settings import Settings


def call_of(
    settings: Settings, number: str | None = None, *, persona: str = "desk", **hooks: Any
) -> Call:
    """A call of a persona that answers these hooks alone; where it has a number, we place it."""
    answers: Any = SimpleNamespace(**{"call_status_changed": nobody_is_told, **hooks})
    return Call(
        settings,
        id="AJ_1",
        room=f"{persona}-1",
        persona=persona,
        hook=answers,
        outbound=number is not None,
        number=number,
    )


def nobody_is_told(**facts: Any) -> list[Any]:
    """Answer an event that no persona and no plugin wants to hear of."""
    return []


def an_answered_call(settings: Settings) -> Call:
    """A call that we have placed, and that is under way. Its persona is not known yet."""
    call = Call(settings, id="AJ_1", room="ann-1", outbound=True, number="+15552220001")
    call.mark("dialled")
    call.mark("answered")
    return call


def a_call_with_a_job(settings: Settings, persona: str = "reminder") -> Call:
    """A call as plugins tell it from a chat: LiveKit has a job for it."""
    call = call_of(settings, persona=persona)
    job: Any = object()
    call.job = job
    return call
