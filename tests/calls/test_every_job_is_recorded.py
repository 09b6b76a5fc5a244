"""Every job gets one record, whatever is wrong with its models, its process or its dispatch."""

from __future__ import annotations

import asyncio
import json
import shutil
from types import SimpleNamespace

import pytest
from in_memory.world import MemoryScene
from people import says
from scene import a_number
from ways import Rings

from host.base.errors import LiveKitError, SettingsError
from host.local.phone import Telephone
from host.local.records import records_of
from host.local.world import CALLER
from host.records.outcome import Outcome
from host.settings import Settings
from host.testing import Scene


@pytest.mark.sample("unknown")
@pytest.mark.parametrize("answer", ["unknown", "empty", "no model"])
@pytest.mark.parametrize("kind", ["stt", "llm", "tts"])
@pytest.mark.table(quick=3)
async def test_a_hook_that_answers_no_model_fails_its_call_and_is_recorded(
    scene: Scene, kind: str, answer: str
) -> None:
    way = Rings("changes", says("Hello?", 20.0), details={"kind": kind, "answer": answer})
    seen = await way.make(scene)
    record = await scene.record(seen.room, limit=40)
    assert (record.outcome, record.persona) == (Outcome.FAILED, "changes")
    assert record.error
    assert kind in record.error.lower()
    await scene.no_room(seen.room)
    assert len(await records_of(scene.folder / "calls.jsonl", seen.room, 1)) == 1


@pytest.mark.memory("no whole call hits a process before it has begun")
async def test_a_call_whose_process_never_began_is_hung_up_and_recorded(scene: Scene) -> None:
    assert isinstance(scene, MemoryScene)
    number = a_number(scene)
    await scene.exchange.route(number, metadata=json.dumps({"persona": "desk"}))
    call = await scene.exchange.ring(CALLER, number)
    await asyncio.wait_for(scene.memory.takes(call.room), 5)
    scene.memory.kill(call.room)
    record = await scene.over(call)
    assert (record.outcome, record.ended_by) == (Outcome.FAILED, "host")
    assert (record.persona, record.direction, record.number) == ("desk", "inbound", CALLER)


@pytest.mark.memory("no whole call hits a process before it has begun")
@pytest.mark.parametrize(
    "metadata", ["not json", '{"persona": "nobody"}', '{"phone_number": "911"}']
)
async def test_so_is_one_whose_dispatch_makes_no_sense(scene: Scene, metadata: str) -> None:
    assert isinstance(scene, MemoryScene)
    number = a_number(scene)
    await scene.exchange.route(number, metadata=metadata)
    call = await scene.exchange.ring(CALLER, number)
    await asyncio.wait_for(scene.memory.takes(call.room), 5)
    scene.memory.kill(call.room)
    record = await scene.over(call)
    assert (record.outcome, record.persona) == (Outcome.FAILED, None)


@pytest.mark.memory("no whole call's process fails to load what its parent has loaded")
async def test_a_call_whose_process_can_not_load_its_persona_is_recorded_by_its_parent(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(settings: Settings) -> None:
        raise SettingsError("two personas claim one number")

    for module in ("host.runner.runner", "host.speech.persona_handover"):
        monkeypatch.setattr(f"{module}.registry", SimpleNamespace(load=fails))
    call = await scene.ring("desk")
    record = await scene.over(call)
    assert (record.outcome, record.ended_by) == (Outcome.FAILED, "host")
    assert record.error == "SettingsError: two personas claim one number"
    assert record.number == CALLER


NO_RECORD = "the call can't be recorded: Not a directory"


def no_place_for_checkpoints(scene: Scene) -> None:
    """Have writing checkpoints fail, as it does on a full disk."""
    folder = scene.settings.state_dir / "unfinished"
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.touch()


@pytest.mark.memory("a whole call would fill the disk of all others")
async def test_a_host_that_can_record_nothing_answers_and_dials_nobody(scene: Scene) -> None:
    no_place_for_checkpoints(scene)
    call = await scene.ring("desk")
    await call.ended(20)
    assert call.answered_at is None
    number = a_number(scene, Telephone())
    with pytest.raises(LiveKitError, match="no host took the call"):
        await scene.place("talks", number)
    assert not scene.exchange.ledger.of("INVITE", number=number)


@pytest.mark.memory("a whole call would fill the disk of all others")
async def test_nor_does_a_call_begin_on_a_disk_that_was_filled_meanwhile(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("host.server.admission.why_not_recorded", lambda state_dir: None)
    no_place_for_checkpoints(scene)
    call = await scene.ring("desk")
    record = await scene.over(call)
    assert (record.outcome, record.reason, call.answered_at) == (Outcome.FAILED, NO_RECORD, None)
    number = a_number(scene, Telephone())
    placed = await scene.place("talks", number)
    assert (placed.outcome, placed.reason) == (Outcome.FAILED, NO_RECORD)
    assert not scene.exchange.ledger.of("INVITE", number=number)
