"""Noise, and speech that is no words: what is cancelled, asked again, and given up."""

from __future__ import annotations

from host.local.phone import Line
from host.testing import Scene, heard_once, not_heard


async def test_what_noise_cancellation_removes_is_neither_heard_nor_answered(scene: Scene) -> None:
    async def asks(line: Line) -> None:
        await line.heard("here is the deaf one")
        await line.say("What day is it?")
        await line.silence_for(3.0)
        await line.hang_up()

    call = await scene.ring("deaf", asks)
    record = await scene.over(call)
    heard_once(call, "Here is the deaf one.")
    not_heard(call, "Today is Monday.")
    assert [line.who for line in record.transcript] == ["persona"]
