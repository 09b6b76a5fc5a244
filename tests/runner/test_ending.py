"""The end of a call: whatever fails in it, nothing is left behind."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from sample_calls import call_of

from host.records.ending import Ending
from host.records.outcome import Outcome
from host.runner.ending import log_errors, tear_down
from host.settings import Settings

OUT_OF_THE_ROOM: Any = SimpleNamespace(room=SimpleNamespace(isconnected=lambda: False))
"""A job that can tell nobody how its call ended."""


def standing_in(**methods: Any) -> Any:
    """A part of a call, of which nothing but these methods is used."""
    return SimpleNamespace(**methods)


async def nothing() -> None:
    """Do it at once."""


async def test_what_fails_at_the_end_of_a_call_does_not_stop_the_rest(
    caplog: pytest.LogCaptureFixture,
) -> None:
    done: list[str] = []

    def fails(what: str) -> Any:
        async def fail() -> None:
            done.append(what)
            raise RuntimeError(f"no {what}")

        return fail

    async def leave() -> None:
        done.append("leave")

    call = call_of(Settings())
    call.far_end = standing_in(hang_up=fails("hang up"), leave=leave)
    call.transfers = standing_in(close=fails("transfer"))
    call.session = standing_in(aclose=fails("session"))
    call.recorder = standing_in(close=fails("recording"))
    call.end(Ending(Outcome.COMPLETED, "far end", "the caller hung up"))
    await asyncio.wait_for(tear_down(OUT_OF_THE_ROOM, call), 10)
    assert done == ["hang up", "transfer", "session", "leave", "recording"]
    for what in ("hanging up", "stopping a transfer", "closing the session"):
        assert f"{what} failed" in caplog.text


async def test_hooks_that_are_being_told_are_waited_for() -> None:
    told: list[str] = []

    async def slow(status: str) -> None:
        await asyncio.sleep(0.05)
        told.append(status)

    call = call_of(Settings(), call_status_changed=lambda call, status: [slow(status)])
    call.far_end = standing_in(hang_up=nothing, leave=nothing)
    call.events.emit("call_status_changed", status="hangup")
    call.end(Ending(Outcome.COMPLETED, "far end", "the caller hung up"))
    await asyncio.wait_for(tear_down(OUT_OF_THE_ROOM, call), 10)
    assert told == ["hangup"]


def test_a_call_that_is_being_stopped_is_stopped() -> None:
    with pytest.raises(asyncio.CancelledError), log_errors("something"):
        raise asyncio.CancelledError
