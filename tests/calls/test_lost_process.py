"""A call whose process is killed: the far end is hung up, and there is a record all the same."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time

from host.local.phone import Line, NoAnswer, PhoneCall
from host.outcome import Outcome
from host.testing import Scene, heard_once


async def listens(line: Line) -> None:
    await line.heard("what can I do for you")
    await line.say("What day is it?")
    await line.heard("today is monday")
    await line.stay()


async def test_the_far_end_is_hung_up_and_the_record_tells_how_far_it_came(scene: Scene) -> None:
    call = await scene.ring("desk", listens)
    await call.pulse.until(lambda: _heard(call, "monday"), 30, "an answer")
    await call.pulse.until(lambda: _drafted_words(scene, call) >= 3, 10, "a draft with all of it")
    killed = time.time()
    os.kill(_process_of(scene, call), signal.SIGKILL)
    record = await scene.over(call)
    assert call.ended_at - killed < 5
    heard_once(call, "Today is Monday.")
    assert (record.outcome, record.ended_by) == (Outcome.FAILED, "host")
    assert (record.persona, record.number) == ("desk", call.number)
    assert record.reason == "The call's process died."
    assert [line.text for line in record.transcript][-1] == "Today is Monday."
    assert record.duration > 3
    assert not list((scene.folder / "state" / "unfinished").glob("*.json"))


async def test_a_placed_call_that_still_rings_rings_no_longer(scene: Scene) -> None:
    number = "+15552227001"
    scene.exchange.connect(number, NoAnswer())
    placing = asyncio.create_task(scene.place("talks", number))
    call = await scene.exchange.call_to(number)
    await call.rings()
    await call.pulse.until(lambda: _draft(scene, call), 10, "a draft")
    os.kill(_process_of(scene, call), signal.SIGKILL)
    record = await scene.over(call)
    placed = await asyncio.wait_for(placing, 20)
    assert (record.outcome, placed.outcome) == (Outcome.FAILED, Outcome.FAILED)
    assert len(scene.exchange.ledger.of("INVITE", number=number)) == 1


def _draft(scene: Scene, call: PhoneCall) -> dict[str, object] | None:
    for file in (scene.folder / "state" / "unfinished").glob("*.json"):
        draft = json.loads(file.read_text())
        if draft["record"]["room"] == call.room:
            return draft
    return None


def _drafted_words(scene: Scene, call: PhoneCall) -> int:
    draft = _draft(scene, call)
    return len(draft["record"]["transcript"]) if draft else 0


def _process_of(scene: Scene, call: PhoneCall) -> int:
    draft = _draft(scene, call)
    assert draft is not None
    return int(draft["number"])


def _heard(call: PhoneCall, word: str) -> bool:
    return any(word in hearing.text.lower() for hearing in call.heard)
