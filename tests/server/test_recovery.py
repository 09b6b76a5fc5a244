"""Calls whose process is gone: finished once, told of everywhere, hung up."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import cast
from unittest.mock import AsyncMock

import pytest
from aiohttp import web
from api_client import emit_in_this_process
from deployment import Deployment
from livekit import api
from livekit.agents import JobContext
from sample_calls import an_answered_call
from waiting import meanwhile, until_logged

from host import registry
from host.call.live import LiveCall
from host.call.state import CallState
from host.compliance.budget import Budget, Exhausted
from host.dispatch.arbitration import CALL
from host.dispatch.idempotency import GivenUp, Requests
from host.records.ending import Ending
from host.records.outcome import Outcome
from host.records.record import CallRecord
from host.records.redaction import redacted
from host.runner.checkpoint import ABANDONED, DIED, LARGEST, CheckpointStore
from host.runner.runner import Runner
from host.server.emitting import emit_call_ended
from host.server.heartbeat_monitor import WatchedCall
from host.server.recovery import Recovery
from host.settings import Settings, load_settings

pytestmark = pytest.mark.processes

WRITES_DOWN = """
from host import hookimpl

@hookimpl
async def call_ended(call, record):
    with open({file!r}, "a") as file:
        file.write(record.model_dump_json() + "\\n")
"""


WRITES_IN_A_THREAD = """
import asyncio
from pathlib import Path
from host import hookimpl

@hookimpl
async def call_ended(call, record):
    await asyncio.to_thread(Path({file!r}).write_text, record.model_dump_json())
"""
KILLS_ITS_PROCESS = """
import os
from host import hookimpl

@hookimpl
async def call_ended(call, record):
    os._exit(3)
"""
DIES = """
import asyncio
from host.runner.aftermath import finish_alone
from host.runner.checkpoint import CheckpointStore
from host.settings import load_settings

async def main():
    settings = load_settings()
    finish_alone(settings, CheckpointStore(settings.state_dir).read("AJ_1"))

asyncio.run(main())
"""
"""A call's process as LiveKit lets it end once its parent is gone: nobody waits for anything."""


class Asked(list[str]):
    """The paths that LiveKit's API was asked for, and how it answers."""

    after = 0.0
    """Seconds in which it does."""
    breaks_off = "nothing"
    """The end of the paths at which it closes the connection."""
    inside: tuple[str, str] | None = None
    """A room that there is, and the identity of who is in it."""


@pytest.fixture
async def livekit() -> AsyncIterator[Asked]:
    """An API that is asked to delete rooms, and the paths that it was asked for."""
    asked = Asked()

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        await asyncio.sleep(asked.after)
        if request.path.endswith(asked.breaks_off) and request.transport:
            request.transport.close()
        inside, rooms = api.ListParticipantsResponse(), api.ListRoomsResponse()
        if asked.inside:
            rooms.rooms.add(name=asked.inside[0])
            inside.participants.add(identity=asked.inside[1])
        if "another" in (await request.read()).decode(errors="replace"):
            inside.participants.add(attributes={CALL: "AJ_of_another"})
        told = {"ListParticipants": inside, "ListRooms": rooms}.get(request.path.split("/")[-1])
        body = told.SerializeToString() if told else b""
        return web.Response(content_type="application/protobuf", body=body)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    os.environ["LIVEKIT_URL"] = f"http://127.0.0.1:{port}"
    os.environ["LIVEKIT_API_KEY"], os.environ["LIVEKIT_API_SECRET"] = "key", "secret" * 8
    yield asked
    await runner.cleanup()


@pytest.fixture(autouse=True)
def emitted_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host that emits `call_ended` in its own process."""
    emit_in_this_process(monkeypatch, "host.server.recovery")


@pytest.fixture
def helper(emitted_here: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that does so in a process of its own, as any does."""
    monkeypatch.setattr("host.server.recovery.emit_call_ended", emit_call_ended)


@pytest.fixture
def settings(deployment: Deployment, livekit: list[str]) -> Settings:
    """A deployment with a persona, and a plugin that writes every record into a file."""
    deployment.persona("ann")
    file = str(deployment.folder / "records")
    deployment.write("plugins/writes.py", f'"""Writes."""\n{WRITES_DOWN.format(file=file)}')
    return load_settings()


async def finished(deployment: Deployment, settings: Settings) -> CallRecord:
    """Look after the checkpoints until one record was told of, and its checkpoint is gone."""
    closed, close = asyncio.Event(), CheckpointStore.close

    def close_and_tell(checkpoints: CheckpointStore, call: str) -> None:
        close(checkpoints, call)
        closed.set()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CheckpointStore, "close", close_and_tell)
        async with meanwhile(Recovery(settings).sweep()):
            await asyncio.wait_for(closed.wait(), 30)
    (line,) = (deployment.folder / "records").read_text().splitlines()
    return CallRecord.model_validate_json(line)


def of_a_dead_process(checkpoint: Path) -> None:
    """Make a checkpoint one of a process that has ended."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    text = checkpoint.read_text().replace(f'"number":{os.getpid()},', f'"number":{gone.pid},', 1)
    checkpoint.write_text(text)


async def test_a_connection_that_breaks_as_the_dead_agent_is_put_out_aborts_no_takeover(
    settings: Settings, livekit: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = an_answered_call(settings)
    call.state.persona, call.state.far_end, call.state.agent = "ann", "sip_1", "agent-1"
    CheckpointStore(settings.state_dir).write(call)
    livekit.inside, livekit.breaks_off = (call.state.room, "sip_1"), "RemoveParticipant"
    recovery, launched = Recovery(settings), list[str]()

    async def launch(room: api.Room, token: str) -> None:
        launched.append(room.name)

    recovery.launch = launch
    monkeypatch.setattr(recovery.heartbeats, "joins", AsyncMock(return_value=True))
    await recovery.lost(WatchedCall(call.state.id, call.state.room))
    assert launched == [call.state.room]
    kept = CheckpointStore(settings.state_dir).read(call.state.id)
    assert kept is not None
    assert (kept.awaiting_takeover, kept.state.taken_over) == (True, 1)


async def test_a_takeover_that_fails_is_none(
    deployment: Deployment, settings: Settings, livekit: Asked
) -> None:
    call = an_answered_call(settings)
    call.state.persona, call.state.far_end = "ann", "sip_1"
    CheckpointStore(settings.state_dir).write(call)
    livekit.inside = (call.state.room, "sip_1")
    recovery = Recovery(settings)

    async def launch(room: api.Room, token: str) -> None:
        raise RuntimeError("no process to be had")

    recovery.launch = launch
    await recovery.lost(WatchedCall(call.state.id, call.state.room))
    (line,) = (deployment.folder / "records").read_text().splitlines()
    record = CallRecord.model_validate_json(line)
    assert (record.taken_over, record.outcome) == (0, Outcome.FAILED)


@pytest.mark.usefixtures("helper")
async def test_the_record_of_a_call_whose_process_died_is_finished_once(
    deployment: Deployment, settings: Settings, livekit: list[str]
) -> None:
    CheckpointStore(settings.state_dir).write(an_answered_call(settings))
    (checkpoint,) = (settings.state_dir / "unfinished").iterdir()
    of_a_dead_process(checkpoint)
    record = await finished(deployment, settings)
    assert (record.id, record.outcome, record.error) == ("AJ_1", Outcome.FAILED, DIED)
    assert record.direction == "outbound"
    assert str(record.number).startswith("+1\N{HORIZONTAL ELLIPSIS}01~")
    assert record.answered_at is not None
    assert record.ended_at >= record.answered_at
    assert [path.rpartition("/")[2] for path in livekit] == [
        "UpdateRoomMetadata",  # whoever watches the call is told how it ended
        "DeleteRoom",
        "DeleteRoom",  # the consultation, where there was one
    ]


async def test_a_call_whose_parent_is_gone_is_recorded_however_slow_livekit_is(
    deployment: Deployment, settings: Settings, livekit: Asked
) -> None:
    CheckpointStore(settings.state_dir).write(an_answered_call(settings))
    file = deployment.folder / "record"
    plugin = WRITES_IN_A_THREAD.format(file=str(file))
    deployment.write("plugins/writes.py", f'"""Writes."""\n{plugin}')
    livekit.after = 0.5
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", DIES)
    assert await asyncio.wait_for(process.wait(), 60) == 0
    assert CallRecord.model_validate_json(file.read_text()).id == "AJ_1"
    assert [path.rpartition("/")[2] for path in livekit].count("DeleteRoom") == 2
    assert not list((settings.state_dir / "unfinished").iterdir())


async def test_a_record_that_was_not_told_to_its_end_is_told_as_it_is(
    deployment: Deployment, settings: Settings
) -> None:
    call = an_answered_call(settings)
    call.end(Ending(Outcome.BUSY, "far end", "the line was busy", 486))
    record = call.state.record(call.ending.result())
    CheckpointStore(settings.state_dir).write(call, record)
    (checkpoint,) = (settings.state_dir / "unfinished").iterdir()
    of_a_dead_process(checkpoint)
    assert await finished(deployment, settings) == redacted(record, settings, settings.state_dir)


@pytest.mark.usefixtures("helper")
async def test_the_record_is_kept_if_its_hook_kills_the_helper_too(
    deployment: Deployment, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    deployment.write("plugins/writes.py", f'"""Writes."""\n{KILLS_ITS_PROCESS}')
    CheckpointStore(settings.state_dir).write(an_answered_call(settings))
    (checkpoint,) = (settings.state_dir / "unfinished").iterdir()
    of_a_dead_process(checkpoint)
    kept = checkpoint.with_suffix(".broken")
    async with meanwhile(Recovery(settings).sweep()):
        await until_logged(caplog, f"failed; the record is in {kept}", limit=30)
    record = json.loads(kept.read_text())["record"]
    assert (record["id"], record["outcome"], record["error"]) == ("AJ_1", "failed", DIED)
    assert not checkpoint.exists()


async def test_what_is_kept_of_a_request_tells_no_more_than_the_record(
    deployment: Deployment, settings: Settings
) -> None:
    call = an_answered_call(settings)
    call.state.metadata = {"idempotency_key": "order-7"}
    requests = Requests(settings.state_dir)
    requests.claim("order-7", call.state.id, call.state.room, "RM_1")
    call.end(Ending(Outcome.BLOCKED, "host", "+15552220001 is on the do-not-call list"))
    record = call.state.record(call.ending.result())
    CheckpointStore(settings.state_dir).write(call, record)
    (checkpoint,) = (settings.state_dir / "unfinished").iterdir()
    of_a_dead_process(checkpoint)
    await finished(deployment, settings)
    request = requests.find("order-7")
    assert request
    assert request[1:] == ("blocked", "+1…01 is on the do-not-call list")
    assert b"2220001" not in (settings.state_dir / "state.db").read_bytes()


async def test_a_request_whose_process_died_before_it_claimed_it_is_over_and_has_one_record(
    deployment: Deployment, settings: Settings
) -> None:
    call = an_answered_call(settings)
    call.state.metadata = {"idempotency_key": "order-7"}
    CheckpointStore(settings.state_dir).write(call)
    (checkpoint,) = (settings.state_dir / "unfinished").iterdir()
    of_a_dead_process(checkpoint)
    record = await finished(deployment, settings)
    requests = Requests(settings.state_dir)
    given_up = requests.give_up("order-7", record.room, "failed", "the API would record it again")
    assert given_up is GivenUp.RECORDED
    request = requests.find("order-7")
    assert request
    assert request[1:] == (record.outcome, record.reason)


async def test_nor_does_the_call_itself_write_more_down(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(job: object, call: LiveCall) -> None:
        """Nobody is on the line."""

    monkeypatch.setattr("host.runner.runner.tear_down", gone)
    call = an_answered_call(settings)
    call.state.metadata = {"idempotency_key": "order-7"}
    requests = Requests(settings.state_dir)
    requests.claim("order-7", call.state.id, call.state.room, "RM_1")
    ending = Ending(Outcome.BLOCKED, "host", "+15552220001 is on the do-not-call list")
    call.end(ending)
    await Runner(cast(JobContext, None), call)._end(ending)
    request = requests.find("order-7")
    assert request
    assert request[1:] == ("blocked", "+1…01 is on the do-not-call list")


def two_checkpoints(settings: Settings) -> tuple[Path, Path]:
    """The checkpoints of two calls of this process: AJ_1, which is looked at first, and AJ_2."""
    CheckpointStore(settings.state_dir).write(an_answered_call(settings))
    (first,) = (settings.state_dir / "unfinished").iterdir()
    second = first.with_name("AJ_2.json")
    second.write_text(first.read_text().replace('"AJ_1"', '"AJ_2"'))
    return first, second


async def test_a_call_whose_process_lives_is_left_alone(
    deployment: Deployment, settings: Settings, livekit: list[str]
) -> None:
    live, dead = two_checkpoints(settings)
    of_a_dead_process(dead)
    await finished(deployment, settings)
    assert (live.exists(), dead.exists()) == (True, False)
    assert len(livekit) == 3, "one call is finished, and only one"


def of_another_machine(checkpoint: Path, seconds_ago: float) -> None:
    """Make a checkpoint one of another machine, whose last sign of life is so many seconds old."""
    text = checkpoint.read_text().replace(socket.gethostname(), "an-earlier-container", 1)
    checkpoint.write_text(text)
    then = time.time() - seconds_ago
    os.utime(checkpoint, (then, then))


async def test_a_call_of_a_machine_that_is_gone_is_finished_and_one_that_lives_is_not(
    deployment: Deployment, settings: Settings, livekit: list[str]
) -> None:
    live, dead = two_checkpoints(settings)
    of_another_machine(live, ABANDONED - 30)
    of_another_machine(dead, ABANDONED + 10)
    assert (await finished(deployment, settings)).id == "AJ_2"
    assert (live.exists(), dead.exists()) == (True, False)
    assert len(livekit) == 3, "whoever was left on the line is hung up"


async def test_a_call_of_a_machine_that_is_gone_takes_no_line_any_more(
    deployment: Deployment, livekit: list[str], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.write("host.toml", "[personas.ann]\nmax_calls = 1\n")
    settings = load_settings()
    budget, limits = Budget(settings.state_dir), settings.persona("ann")
    call = an_answered_call(settings)
    call.take("ann", registry.load(settings).view("ann"))
    with monkeypatch.context() as before:
        before.setattr("socket.gethostname", lambda: "an-earlier-container")
        budget.admit(call.state.id, "ann", limits)
    with pytest.raises(Exhausted):
        budget.admit("AJ_2", "ann", limits)
    CheckpointStore(settings.state_dir).write(call)
    (checkpoint,) = (settings.state_dir / "unfinished").iterdir()
    of_another_machine(checkpoint, ABANDONED + 10)
    await finished(deployment, settings)
    budget.admit("AJ_2", "ann", limits)


async def test_the_room_of_another_agent_stays(
    deployment: Deployment, settings: Settings, livekit: list[str]
) -> None:
    call = LiveCall(settings, CallState(id="AJ_1", room="another-1"))
    CheckpointStore(settings.state_dir).write(call)
    (checkpoint,) = (settings.state_dir / "unfinished").iterdir()
    of_a_dead_process(checkpoint)
    record = await finished(deployment, settings)
    assert record.room == "another-1"
    assert [path.rpartition("/")[2] for path in livekit] == ["ListParticipants"]


def _lacks_its_end(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-40])


def _becomes(make: Callable[[Path], object]) -> Callable[[Path], object]:
    def breaks(file: Path) -> None:
        file.unlink()
        make(file)

    return breaks


BROKEN: dict[str, Callable[[Path], object]] = {
    "half of it": _lacks_its_end,
    "no UTF-8": lambda file: file.write_bytes(b"\xff\xfe{}"),
    "no UTF-8 in a name": lambda file: file.write_bytes(b'{"machine": "\xc3"}'),
    "empty": lambda file: file.write_bytes(b""),
    "zeros": lambda file: file.write_bytes(bytes(4096)),
    "of another shape": lambda file: file.write_text('{"number": "+15552220001"}'),
    "a list": lambda file: file.write_text("[]"),
    "deep": lambda file: file.write_text("[" * 100_000),
    "huge": lambda file: os.truncate(file, LARGEST + 1),
    "a folder": _becomes(Path.mkdir),
    "a pipe": _becomes(os.mkfifo),
    "a device": _becomes(lambda file: os.symlink("/dev/zero", file)),
    "another call's": lambda file: file.write_bytes(file.read_bytes().replace(b"AJ_1", b"AJ_9")),
}
"""What may be in the place of a checkpoint, and how it comes there."""


@pytest.mark.parametrize("breaks", BROKEN.values(), ids=BROKEN.keys())
async def test_a_broken_checkpoint_is_put_aside_and_said_once(
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    breaks: Callable[[Path], object],
) -> None:
    CheckpointStore(settings.state_dir).write(an_answered_call(settings))
    broken = settings.state_dir / "unfinished" / "AJ_1.json"
    breaks(broken)
    monkeypatch.setattr("host.server.recovery.EVERY", 0.01)
    async with meanwhile(Recovery(settings).sweep()):
        await until_logged(caplog, "AJ_1.json")
        await asyncio.sleep(0.1)  # it is looked for ten times
    (said,) = [line for line in caplog.messages if "AJ_1" in line]
    assert said.startswith("can't read the checkpoint AJ_1.json: ")
    assert "555" not in said, "it is not quoted"
    assert os.path.lexists(broken.with_name("AJ_1.broken"))


async def test_however_many_are_broken_the_others_are_finished(
    deployment: Deployment, settings: Settings, livekit: list[str]
) -> None:
    first, dead = two_checkpoints(settings)
    of_a_dead_process(dead)
    for number, breaks in enumerate(BROKEN.values()):
        broken = first.with_name(f"AJ_1{number}.json")
        broken.write_bytes(first.read_bytes())
        breaks(broken)
    first.unlink()
    record = await finished(deployment, settings)
    assert record.id == "AJ_2"
    assert len(list(first.parent.glob("*.broken"))) == len(BROKEN)


async def test_a_process_that_dies_after_its_record_gets_no_second_one(
    deployment: Deployment, settings: Settings, livekit: list[str]
) -> None:
    CheckpointStore(settings.state_dir).write(an_answered_call(settings))
    CheckpointStore(settings.state_dir).close("AJ_1")
    await Recovery(settings).lost(WatchedCall("AJ_1", "desk-1", process=os.getpid()))
    assert not (deployment.folder / "records").exists()
    assert livekit == []
