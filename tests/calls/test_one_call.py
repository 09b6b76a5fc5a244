"""One call for one request, one agent in a room, and nobody who is turned away without a word."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest
import pytest_asyncio
from in_memory.world import MemoryScene
from livekit import api
from scene import a_number, a_scene, events, logged

from host.base.errors import LiveKitError
from host.dispatch import place as placing
from host.dispatch.place import metadata_of, place, room_for
from host.local.phone import Busy, Line, NoAnswer, PersonScript, PhoneCall, Telephone
from host.local.world import CALLER
from host.records.outcome import Outcome
from host.records.record import CallRecord
from host.testing import Scene, heard, heard_once

GREETING = "I talk to everybody who picks up."
DESK = "This is the desk. What can I do for you?"
_rooms, _callers = count(), count()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def two_lines(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """A host that may have two calls at once."""
    folder = tmp_path_factory.mktemp("two-lines")
    async with a_scene(folder, "now", {"HOST_MAX_CALLS": "2"}) as scene:
        yield scene


async def hears_something(line: Line) -> None:
    await line.say("Hello?")
    await line.sound()
    await line.silence_for(2.0)
    await line.hang_up()


def said(record: CallRecord) -> list[str]:
    """What the persona said in a call."""
    return [line.text for line in record.transcript if line.who == "persona"]


async def listens(line: Line) -> None:
    """Pick up, hear the greeting of a call that was placed, and hang up."""
    await line.say("Hello?")
    await line.heard("everybody who picks up")
    await line.silence_for(0.5)
    await line.hang_up()


async def calls_the_desk(line: Line) -> None:
    """Be greeted by the desk, and hang up."""
    await line.heard("what can I do for you")
    await line.silence_for(0.5)
    await line.hang_up()


def asked_for(scene: Scene, number: str, key: str) -> str:
    """The metadata of a request that is named by a key."""
    return metadata_of(scene.settings, "talks", number, {}, key)


def invites(scene: Scene, number: str) -> int:
    """How often a number was dialled."""
    return len(scene.exchange.ledger.of("INVITE", number=number))


async def dispatch(scene: Scene, room: str, metadata: str = "") -> None:
    """Dispatch an agent as anybody can who has a key of LiveKit."""
    request = api.CreateAgentDispatchRequest(agent_name="host", room=room, metadata=metadata)
    async with scene.livekit() as livekit:
        await livekit.agent_dispatch.create_dispatch(request)


def records(scene: Scene) -> list[CallRecord]:
    """All records that a host has written so far."""
    file = scene.folder / "calls.jsonl"
    lines = file.read_text().splitlines() if file.exists() else []
    return [CallRecord.model_validate_json(line) for line in lines]


# One call for one request


@pytest.mark.corpus
@pytest.mark.alone
async def test_fifty_equal_requests_at_the_same_moment_are_one_call(scene: Scene) -> None:
    number = a_number(scene, Telephone(answer_after=12.0, script=hears_something))
    metadata = asked_for(scene, number, "fifty orders")
    placed = await asyncio.gather(*(place(scene.settings, metadata) for _ in range(50)))
    assert {each.outcome for each in placed} == {Outcome.COMPLETED}
    assert {each.room for each in placed} == {room_for("talks", "fifty orders")}
    assert invites(scene, number) == 1
    call = await scene.exchange.call_to(number)
    record = await scene.over(call)
    assert said(record).count(GREETING) == 1  # fifty who watch take the machine from the sound
    assert {each.reason for each in placed} == {record.reason}


@pytest.mark.corpus
@pytest.mark.alone
async def test_fifty_dispatches_of_one_request_into_rooms_of_their_own_dial_once(
    scene: Scene,
) -> None:
    number = a_number(scene, Telephone(answer_after=8.0, script=hears_something))
    metadata = asked_for(scene, number, "fifty rooms")
    rooms = [f"one-request-{next(_rooms)}" for _ in range(50)]
    await asyncio.gather(*(dispatch(scene, room, metadata) for room in rooms))
    call = await scene.exchange.call_to(number)
    record = await scene.over(call)
    await asyncio.gather(*(scene.no_room(room, limit=30) for room in rooms))
    async with asyncio.timeout(20):
        while not all(_was_told(scene, room) for room in rooms):
            await asyncio.sleep(0.1)  # the host writes it: there is no event
    assert invites(scene, number) == 1
    assert said(record).count(GREETING) == 1  # fifty rooms take the machine from the sound
    assert [each.id for each in records(scene) if each.room in rooms] == [record.id]


def _was_told(scene: Scene, room: str) -> bool:
    """Whether the host has told of a job: in the call's record, or in its log why there is none."""
    recorded = any(each.room == room for each in records(scene))
    return recorded or f"call in room {room} refused: " in scene.log()


async def test_a_request_that_is_made_again_is_told_how_its_call_went(scene: Scene) -> None:
    number = a_number(scene, Telephone(script=listens))
    metadata = asked_for(scene, number, "once and for all")
    first = await place(scene.settings, metadata)
    record = await scene.over(await scene.exchange.call_to(number))
    again = await place(scene.settings, metadata)
    assert (first.outcome, again.outcome) == (Outcome.COMPLETED, Outcome.REFUSED)
    assert record.id in again.reason
    assert "completed: the callee hung up" in again.reason
    assert not again.retryable
    assert invites(scene, number) == 1
    await logged(scene, f"record is the only one: {record.id}")
    await scene.no_room(record.room)
    assert [each.id for each in records(scene) if each.room == record.room] == [record.id]


@pytest.mark.memory
@pytest.mark.parametrize("first", ["live", "over"])
async def test_a_repetition_in_another_room_is_logged_and_has_no_record(
    scene: MemoryScene, first: str
) -> None:
    """Whoever dispatches calls without `host call` may name the rooms as they like."""
    answered, go_on = asyncio.Event(), asyncio.Event()

    async def waits(line: Line) -> None:
        await line.say("Hello?")
        await line.heard("everybody who picks up")
        answered.set()
        await go_on.wait()
        await line.hang_up()

    number = a_number(scene, Telephone(script=waits))
    metadata = asked_for(scene, number, f"again, {first}")
    one, other = (f"repeated-{first}-{next(_rooms)}" for _ in range(2))
    await dispatch(scene, one, metadata)
    await asyncio.wait_for(answered.wait(), 30)
    call = await scene.exchange.call_to(number)
    if first == "over":
        go_on.set()
        await scene.over(call)
    await dispatch(scene, other, metadata)
    await logged(scene, "its request already has a call, whose record is the only one")
    await scene.no_room(other)
    assert f"call in room {other} refused: this request already has a call" in scene.log()
    go_on.set()
    record = await scene.over(call)
    assert (record.room, record.outcome) == (one, Outcome.COMPLETED)
    assert [each.id for each in records(scene)] == [record.id]
    assert invites(scene, number) == 1
    ended = [room for room in (one, other) if events(scene, room)]
    assert ended == [one]  # hooks are not told of a repetition either: no webhook, no metric


@pytest.mark.memory
async def test_a_caller_whose_dispatch_repeats_a_key_is_recorded(scene: MemoryScene) -> None:
    """A repetition that somebody has rung for is a call: they heard busy."""
    number = a_number(scene)
    metadata = {"persona": "desk", "idempotency_key": "the same for all callers"}
    await scene.exchange.route(number, metadata=json.dumps(metadata))
    first = await scene.exchange.ring(CALLER, number, calls_the_desk)
    record = await scene.over(first)
    second = await scene.exchange.ring(CALLER, number)
    again = await scene.over(second)
    assert (record.outcome, again.outcome) == (Outcome.COMPLETED, Outcome.REFUSED)
    assert record.id in again.reason


@pytest.mark.both_generations
async def test_a_request_that_nobody_was_dialled_for_may_be_made_again(scene: Scene) -> None:
    number = a_number(scene, Telephone(script=listens))
    lacking = json.dumps(
        {"persona": "leaves", "phone_number": number, "idempotency_key": "mended later"}
    )
    refused = await place(scene.settings, lacking)  # it lacks the name that the persona needs
    assert refused.outcome is Outcome.REFUSED
    assert "'name' is missing" in refused.reason
    placed = await place(scene.settings, asked_for(scene, number, "mended later"))
    assert placed.outcome is Outcome.COMPLETED
    assert invites(scene, number) == 1


async def test_a_key_that_can_not_be_used_refuses_the_call(scene: Scene) -> None:
    number = a_number(scene, Telephone(script=listens))
    room = f"bad-key-{next(_rooms)}"
    wrong = {"persona": "talks", "phone_number": number, "idempotency_key": "x" * 201}
    await dispatch(scene, room, json.dumps(wrong))
    record = await scene.record(room)
    await scene.no_room(room)
    assert record.outcome is Outcome.REFUSED
    assert "idempotency_key" in record.reason
    assert invites(scene, number) == 0


@pytest.mark.promise("`--key` places one call per key")
@pytest.mark.whole("a command is a process")
async def test_the_command_places_one_call_for_one_key(scene: Scene) -> None:
    number = a_number(scene, Busy())
    codes, told = [], []
    for _ in range(2):
        process = await _command(scene, number, "--key", "from a script", "--json")
        out, _ = await asyncio.wait_for(process.communicate(), 60)
        codes.append(process.returncode)
        told.append(json.loads(out))
        # Who asks while the first call's room is still there is told of that call's end instead.
        await scene.no_room(room_for("talks", "from a script"))
    assert codes == [Outcome.BUSY.exit_code, Outcome.REFUSED.exit_code]
    assert "busy: the line was busy (SIP 486)" in told[1]["reason"]
    assert invites(scene, number) == 1


# Who gives up leaves nothing behind


@pytest.mark.both_generations
async def test_one_of_two_equal_requests_that_is_given_up_does_not_end_the_call(
    scene: Scene,
) -> None:
    number = a_number(scene, Telephone(answer_after=4.0, script=listens))
    metadata = asked_for(scene, number, "two who wait")
    one, other = (asyncio.create_task(place(scene.settings, metadata)) for _ in range(2))
    call = await scene.exchange.call_to(number)
    await call.rings()
    one.cancel()
    await asyncio.wait([one])
    placed = await asyncio.wait_for(other, 40)
    await scene.over(call)
    heard_once(call, GREETING)
    assert placed.outcome is Outcome.COMPLETED


@pytest.mark.both_generations
async def test_equal_requests_that_are_all_given_up_ring_no_longer(scene: Scene) -> None:
    number = a_number(scene, NoAnswer())
    metadata = asked_for(scene, number, "nobody waits")
    waiting = [asyncio.create_task(place(scene.settings, metadata)) for _ in range(3)]
    call = await scene.exchange.call_to(number)
    await call.rings()
    for each in waiting:
        each.cancel()
    record = await scene.over(call)
    assert record.outcome is Outcome.CANCELLED


@pytest.mark.whole("a command is a process")
async def test_a_command_that_is_terminated_rings_no_longer(scene: Scene) -> None:
    number = a_number(scene, NoAnswer())
    process = await _command(scene, number)
    call = await scene.exchange.call_to(number, 40)
    await call.rings()
    process.terminate()
    _, errors = await asyncio.wait_for(process.communicate(), 20)
    record = await scene.over(call)
    assert record.outcome is Outcome.CANCELLED
    assert process.returncode == 1
    assert b"Traceback" not in errors


@pytest.mark.both_generations
async def test_a_call_that_is_given_up_before_its_agent_came_is_not_dialled(scene: Scene) -> None:
    numbers = [a_number(scene, NoAnswer()) for _ in range(4)]
    rooms = [f"given-up-{next(_rooms)}" for _ in numbers]
    async with scene.livekit() as livekit:
        for number, room in zip(numbers, rooms, strict=True):
            metadata = json.dumps({"persona": "talks", "phone_number": number})
            await dispatch(scene, room, metadata)
            # Taken, which is before a process has joined the room.
            async with asyncio.timeout(10):
                while not await _has_a_job(livekit, room):
                    await asyncio.sleep(0.01)
            await livekit.room.delete_room(api.DeleteRoomRequest(room=room))
    await logged(scene, "the room was closed before the call began")
    await asyncio.gather(*(scene.no_room(room) for room in rooms))
    records = await asyncio.gather(*(scene.record(room) for room in rooms))
    assert {record.outcome for record in records} == {Outcome.CANCELLED}
    assert {(record.persona, record.direction) for record in records} == {("talks", "outbound")}
    assert [record.number for record in records] == numbers
    assert sum(invites(scene, number) for number in numbers) <= 4 - 1
    assert not any(call.answered_at for call in scene.exchange.calls if call.number in numbers)


async def _has_a_job(livekit: api.LiveKitAPI, room: str) -> bool:
    return any(each.state.jobs for each in await livekit.agent_dispatch.list_dispatch(room))


# No dispatch is lost


@pytest.mark.whole("no host is there, or too late")
async def test_a_dispatch_that_was_lost_is_made_again(
    two_lines: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LiveKit drops the first: no host is there to take it."""
    monkeypatch.setattr(placing, "TAKEN_LIMIT", 90.0)
    number = a_number(two_lines, Telephone(script=listens))
    await two_lines.host.stop()
    waiting = asyncio.create_task(two_lines.place("talks", number))
    async with two_lines.another_host(tmp_path) as host:
        placed = await asyncio.wait_for(waiting, 120)
        call = await two_lines.exchange.call_to(number)
        await host.over(call)
    heard_once(call, GREETING)
    assert placed.outcome is Outcome.COMPLETED
    assert invites(two_lines, number) == 1


@pytest.mark.whole("no host is there, or too late")
async def test_a_call_that_no_host_takes_fails_in_one_line_and_leaves_no_room(
    two_lines: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(placing, "TAKEN_LIMIT", 3.0)
    await two_lines.host.stop()
    number = a_number(two_lines, NoAnswer())
    metadata = asked_for(two_lines, number, "to nobody")
    with pytest.raises(LiveKitError, match="dispatched 3 times in 3 s: is one running"):
        await place(two_lines.settings, metadata)
    await two_lines.no_room(room_for("talks", "to nobody"))
    assert invites(two_lines, number) == 0


# One agent in a room


@pytest.mark.whole("two hosts meet")
async def test_a_second_host_leaves_the_room_of_a_live_call_as_it_is(
    scene: Scene, tmp_path: Path
) -> None:
    greeted, go_on = asyncio.Event(), asyncio.Event()

    async def waits(line: Line) -> None:
        await line.heard("what can I do for you")
        greeted.set()
        await go_on.wait()
        await line.say("What day is it?")
        await line.heard("today is monday")
        await line.hang_up()

    call = await scene.ring("desk", waits)
    await asyncio.wait_for(greeted.wait(), 30)
    async with scene.another_host(tmp_path) as second:
        for metadata in ("", "not even json", '{"persona": "nobody at all"}'):
            withdrawn = second.log().count("has already taken the call")
            async with asyncio.timeout(60):
                while second.log().count("has already taken the call") == withdrawn:
                    await dispatch(scene, call.room, metadata)
                    await asyncio.sleep(1.0)  # either host is offered it; then the agent comes
        go_on.set()
        record = await scene.over(call)
        heard_once(call, DESK)
        heard_once(call, "Today is Monday.")
        assert (record.outcome, record.ended_by) == (Outcome.COMPLETED, "far end")
        assert not records(second)
        assert not list((second.folder / "state" / "unfinished").glob("*.json"))


@pytest.mark.memory("whole hosts meet in the test before this one")
async def test_an_agent_that_comes_second_leaves_the_call_and_no_record(
    scene: MemoryScene,
) -> None:
    greeted, go_on = asyncio.Event(), asyncio.Event()

    async def waits(line: Line) -> None:
        await line.heard("what can I do for you")
        greeted.set()
        await go_on.wait()
        await line.say("What day is it?")
        await line.heard("today is monday")
        await line.hang_up()

    call = await scene.ring("desk", waits)
    await asyncio.wait_for(greeted.wait(), 30)
    await asyncio.wait_for(scene.memory.come_too(call.room), 30)
    assert not (scene.folder / "calls.jsonl").exists()
    go_on.set()
    record = await scene.over(call)
    heard_once(call, DESK)
    heard_once(call, "Today is Monday.")
    assert (record.outcome, record.ended_by) == (Outcome.COMPLETED, "far end")
    assert [fact for event, fact in events(scene, call.room) if event == "ended"] == ["completed"]


# One caller too many


@pytest.mark.whole("a host with two lines is one of its own")
@pytest.mark.alone
async def test_of_three_times_as_many_callers_as_lines_each_is_greeted_whole_or_hears_busy(
    tmp_path: Path,
) -> None:
    async with a_scene(tmp_path, "now", {"HOST_MAX_CALLS": "2"}) as scene:
        calls = await _many_callers(scene, 6)
        lucky = [call for call in calls if call.sip_status == 200]
        assert len(lucky) == 2
        for call in lucky:
            _was_greeted(call)
        waited = _busy(calls)
        print("all at once, busy after", [f"{seconds:.2f}" for seconds in waited], "s")
        assert len(waited) == 4
        assert max(waited) < 10


@pytest.mark.whole("a host with two lines is one of its own")
@pytest.mark.alone
async def test_each_caller_too_many_hears_busy_while_others_talk(
    two_lines: Scene, tmp_path: Path
) -> None:
    await two_lines.host.stop()
    async with two_lines.another_host(tmp_path) as host:
        talking = [await _a_talk(host) for _ in range(2)]
        late = []
        for _ in range(5):
            late.append(await _rings(host))
            await late[-1].ended(20)
        waited = _busy(late)
        print("one at a time, busy after", [f"{seconds:.2f}" for seconds in waited], "s")
        assert len(waited) == 5
        assert max(waited) < 3
        for call in talking:
            await call.hang_up()
            await host.over(call)
            heard_once(call, DESK)


@pytest.mark.whole("several hosts share the calls")
async def test_a_host_that_is_full_leaves_its_callers_to_another(
    two_lines: Scene, tmp_path: Path
) -> None:
    await two_lines.host.stop()
    one, other = tmp_path / "one", tmp_path / "other"
    async with two_lines.another_host(one) as first, two_lines.another_host(other) as second:
        talking = [await _a_talk(two_lines) for _ in range(4)]
        late = await _rings(two_lines)
        await late.ended(20)
        assert late.sip_status == 486
        for call in talking:
            await call.hang_up()
            await two_lines.no_room(call.room)
            heard_once(call, DESK)
        async with asyncio.timeout(20):
            while len(records(first)) + len(records(second)) < 4:
                await asyncio.sleep(0.05)  # the hosts write them: there is no event
        rooms = {each.room for host in (first, second) for each in records(host)}
        assert rooms == {call.room for call in talking}
        assert len(records(first)) == len(records(second)) == 2


@pytest.mark.whole("several hosts share the calls")
@pytest.mark.alone
async def test_a_host_that_is_full_ends_no_call_that_another_has_just_taken(
    two_lines: Scene, tmp_path: Path
) -> None:
    """For 5 s after hosts have come, and once a minute, LiveKit does not show who has a call."""
    await two_lines.host.stop()
    one, many = tmp_path / "one", tmp_path / "many"

    async def is_answered(line: Line) -> None:
        await line.sound(30)
        await line.stay()

    async with (
        two_lines.another_host(one, {"HOST_MAX_CALLS": "1"}) as full,
        two_lines.another_host(many, {"HOST_MAX_CALLS": "9"}),
    ):
        calls = []
        for _ in range(6):  # about every fourth of them is offered to the full one first
            calls.append(await _rings(two_lines, is_answered))
            await asyncio.sleep(0.6)  # so that two cores keep up
        await asyncio.gather(*(call.answered(40) for call in calls), return_exceptions=True)
        print("offered to the full one first:", full.log().count("refused: 1 live calls"))
        assert [call.sip_status for call in calls] == [200] * len(calls)
        for call in calls:
            await call.hang_up()
            await two_lines.no_room(call.room)


async def _rings(scene: Scene, script: PersonScript | None = None) -> PhoneCall:
    """Ring the desk from a telephone that has not rung before."""
    caller = f"+1555776{next(_callers):04}"
    return await scene.exchange.ring(caller, scene.world.numbers["desk"], script)


async def _a_talk(scene: Scene) -> PhoneCall:
    """Ring the desk, be greeted, and stay on the line."""
    greeted = asyncio.Event()

    async def talk(line: Line) -> None:
        await line.heard("what can I do for you")
        await line.silence_for(0.5)
        greeted.set()
        await line.stay()

    call = await _rings(scene, talk)
    await asyncio.wait_for(greeted.wait(), 30)
    return call


async def _many_callers(scene: Scene, many: int) -> list[PhoneCall]:
    """Ring the desk from so many telephones at once; give their calls when all are over."""
    calls = await asyncio.gather(*(_rings(scene, calls_the_desk) for _ in range(many)))
    await asyncio.gather(*(call.ended(60) for call in calls))
    await asyncio.gather(*(scene.no_room(call.room) for call in calls))
    return calls


def _was_greeted(call: PhoneCall) -> None:
    """See that the greeting was heard once, to its end.

    Where many telephones ring at once in one process on two cores, a telephone itself may miss a
    moment of what it hears.
    """
    (found,) = heard(call, DESK)
    assert found.share >= 0.9, found


def _busy(calls: list[PhoneCall]) -> list[float]:
    """How many seconds each caller waited who heard busy."""
    return [
        call.ended_at - call.started_at
        for call in calls
        if call.sip_status == 486 and call.ended_at is not None
    ]


async def _command(scene: Scene, number: str, *words: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "host", "call", "talks", number, *words),
        env={**os.environ, **scene.environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
