"""What the receiver of webhooks is told of a call while it goes on, and when it is over."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from in_memory.world import MemoryScene
from receiver import SECRET
from scene import a_memory_scene, a_number, answer_of, kill_its_process, until_greeting_is_kept

from host.dispatch.place import metadata_of, place
from host.local.phone import Busy, Line, Telephone
from host.privacy import Pseudonyms
from host.records.record import CallRecord
from host.testing import Scene

pytestmark = pytest.mark.memory

ALL = "call.started,call.answered,call.ended"


@pytest.fixture
async def scene(
    deployment_in_memory: Path, tmp_path: Path, virtual_clock: None, request: pytest.FixtureRequest
) -> AsyncIterator[MemoryScene]:
    """A host in memory with a receiver of webhooks, to which nothing is sent: all of it waits."""
    events = request.param if hasattr(request, "param") else ALL
    webhook = {
        "HOST_WEBHOOK_URL": "http://receiver.invalid/calls",
        "HOST_WEBHOOK_SECRET": SECRET,
        **({"HOST_WEBHOOK_EVENTS": events} if events else {}),
    }
    async with a_memory_scene(tmp_path, deployment_in_memory, "now", more=webhook) as scene:
        yield scene


def waiting(scene: Scene) -> list[tuple[str, dict[str, Any]]]:
    """The messages that wait to be sent, in order: their ids and bodies."""
    files = (scene.settings.state_dir / "webhooks").glob("*.json")
    return [
        (file.stem, json.loads(file.read_text()))
        for file in sorted(files, key=lambda file: file.stat().st_mtime_ns)
    ]


async def talks(line: Line) -> None:
    await line.heard("which day suits you")
    await line.say("On Monday please.")
    await line.heard("monday it is then")
    await line.hang_up()


async def test_a_call_is_told_of_as_it_starts_is_answered_and_ends(scene: Scene) -> None:
    number = a_number(scene, Telephone(answer_after=3.0, script=talks))
    metadata = metadata_of(scene.settings, "books", number, {}, "order-7", "L-17")
    await place(scene.settings, metadata)
    call = await scene.exchange.call_to(number)
    record = await scene.over(call)
    told = waiting(scene)
    ids = [f"call_{record.id}_started", f"call_{record.id}_answered", f"call_{record.id}"]
    assert [id for id, _ in told] == ids
    started, answered, ended = (body for _, body in told)
    assert [body["type"] for body in (started, answered, ended)] == ALL.split(",")
    assert started["data"]["answered_at"] is None
    assert answered["data"]["answered_at"] == ended["data"]["answered_at"]
    for body in (started, answered):
        for name in ("id", "room", "persona", "direction", "number", "reference"):
            assert body["data"][name] == ended["data"][name], name
        assert "outcome" not in body["data"]
    assert started["data"]["number"] == Pseudonyms(scene.settings.state_dir).of(number)
    assert started["data"]["idempotency_key"] == "order-7"
    assert CallRecord.model_validate(ended["data"]) == record
    assert ended["data"]["results"]["booking"]["day"] == "Monday"
    times = [datetime.fromisoformat(body["timestamp"]).timestamp() for _, body in told]
    assert times == sorted(times)
    assert abs(times[1] - answer_of(call)) < 1


async def test_a_call_that_nobody_answers_is_not_told_of_as_answered(scene: Scene) -> None:
    await scene.place_to(Busy(), "books")
    assert [body["type"] for _, body in waiting(scene)] == ["call.started", "call.ended"]


async def test_a_call_that_is_handed_over_is_told_of_once(scene: Scene) -> None:
    async def visits(line: Line) -> None:
        await line.heard("press one")
        await line.press("1")
        await line.heard("what else is there")
        await line.hang_up()

    record = await scene.over(await scene.ring("intake", visits))
    started, answered, ended = (body for _, body in waiting(scene))
    assert [body["type"] for body in (started, answered, ended)] == ALL.split(",")
    assert {body["data"]["persona"] for body in (started, answered, ended)} == {"intake"}
    assert [share["name"] for share in ended["data"]["personas"]] == ["intake", "concludes"]
    assert CallRecord.model_validate(ended["data"]) == record


async def test_a_call_that_is_taken_over_is_told_of_once(scene: Scene) -> None:
    async def goes_on(line: Line) -> None:
        await line.heard("please go on", 40)
        await line.hang_up()

    call = await scene.ring("books", goes_on)
    await until_greeting_is_kept(scene, call)
    kill_its_process(scene, call.room)
    record = await scene.over(call)
    assert record.taken_over == 1
    assert [body["type"] for _, body in waiting(scene)] == ALL.split(",")


@pytest.mark.parametrize("scene", [""], indirect=True, ids=["default"])
async def test_by_default_only_its_end_is_told(scene: Scene) -> None:
    await scene.place_to(Busy(), "books")
    assert [body["type"] for _, body in waiting(scene)] == ["call.ended"]
