"""An operator hangs up a call, whatever goes on in it; nobody without LiveKit's secret can."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest
from livekit import api
from people import tells_of_a_crown
from scene import end_of, kill_its_process, length_of, on_its_way
from transfers import SALES, SWITCHBOARD, asks_for, colleague

from host.base.errors import HostError
from host.call.state import CallState
from host.cli.hangup import end, find
from host.dispatch import hangup
from host.dispatch.hangup import ATTRIBUTE, HangUp, NoSuchCall, room_of, sign
from host.local.phone import Line, NoAnswer, PersonScript, PhoneCall, Telephone
from host.records.outcome import Outcome
from host.records.record import CallRecord
from host.server.live_calls import LiveCalls
from host.testing import Scene, heard, heard_once, not_heard

WAY = "with host hangup"
REASON = f"an operator ended the call {WAY}"
GOODBYE = "This call was ended by our staff. Goodbye."
CALLER = "+15557770001"


class Then:
    """Tells a test that a telephone has come to a point of its script, and stays on the line."""

    def __init__(self) -> None:
        self.there = asyncio.Event()

    def after(self, play: Callable[[Line], Awaitable[object]]) -> PersonScript:
        """Do something, tell the test, and stay."""

        async def script(line: Line) -> None:
            await play(line)
            self.there.set()
            await line.stay()

        return script


async def hang_up(scene: Scene, room: str, goodbye: str = "", call: str = "") -> float:
    """Hang up as `host hangup` does; give the time of it."""
    begun = time.time()
    async with scene.livekit() as livekit:
        await hangup.hang_up(livekit, scene.settings, room, WAY, goodbye, call=call)
    return begun


def require_cancelled(record: CallRecord, reason: str = REASON) -> None:
    """Assert that the record tells of the operator, and wants no other call for it."""
    assert (record.outcome, record.ended_by) == (Outcome.CANCELLED, "operator")
    assert (record.reason, record.retryable) == (reason, False)


def it_ended_at_once(call: PhoneCall, asked: float) -> None:
    """Assert that a telephone was hung up within a second."""
    assert end_of(call) - asked < 1
    assert call.ended_by == "far end"


async def hears_the_greeting(line: Line) -> None:
    await line.heard("what can I do for you")


async def wants_a_story(line: Line) -> None:
    await line.heard("what can I do for you")
    await line.say("Tell me a long story.")
    await line.sound()
    await line.wait(2)


async def rung(
    scene: Scene,
    play: Callable[[Line], Awaitable[object]] = hears_the_greeting,
    persona: str = "desk",
) -> PhoneCall:
    """Ring a persona, and wait until the caller has done something; they stay on the line."""
    then = Then()
    call = await scene.ring(persona, then.after(play))
    await then.there.wait()
    return call


async def test_a_call_is_hung_up_within_a_second(scene: Scene) -> None:
    call = await rung(scene)
    asked = await hang_up(scene, call.room)
    record = await scene.over(call)
    it_ended_at_once(call, asked)
    require_cancelled(record)


@pytest.mark.memory
async def test_nor_does_it_wait_for_what_is_being_said(scene: Scene) -> None:
    call = await rung(scene, wants_a_story)
    asked = await hang_up(scene, call.room)
    record = await scene.over(call)
    it_ended_at_once(call, asked)
    require_cancelled(record)


async def test_a_goodbye_is_heard_to_its_end_and_nothing_after_it(scene: Scene) -> None:
    scene.world.agents.add(GOODBYE)
    call = await rung(scene, wants_a_story)
    await hang_up(scene, call.room, GOODBYE)
    record = await scene.over(call)
    said = heard_once(call, GOODBYE)
    assert said.end + on_its_way(scene) < length_of(call) < said.end + 1
    assert not any(found.whole for found in heard(call, "three daughters, and each was cleverer"))
    require_cancelled(record)
    assert record.transcript[-1].text == GOODBYE


@pytest.mark.memory
async def test_a_call_that_is_hung_up_is_concluded_like_any_other(scene: Scene) -> None:
    call = await rung(scene, tells_of_a_crown, "concludes")
    scene.world.llm.delay = 6
    asked = await hang_up(scene, call.room)
    record = await scene.over(call)
    it_ended_at_once(call, asked)  # and waited for no conclusions
    require_cancelled(record)
    assert record.results["conclusions"]["topic"] == "a crown"
    assert record.conclusions_error is None


@pytest.mark.memory
async def test_a_second_order_without_a_goodbye_cuts_the_first_ones_short(scene: Scene) -> None:
    long = " ".join([GOODBYE] * 8)
    scene.world.agents.add(long)
    call = await rung(scene)
    await hang_up(scene, call.room, long)
    await asyncio.sleep(3)
    asked = await hang_up(scene, call.room)
    record = await scene.over(call)
    it_ended_at_once(call, asked)
    require_cancelled(record)


@pytest.mark.memory
async def test_a_caller_who_hangs_up_during_the_goodbye_was_hung_up_by_the_operator(
    scene: Scene,
) -> None:
    then = asyncio.Event()

    async def leaves(line: Line) -> None:
        await line.heard("what can I do for you")
        then.set()
        await line.heard("ended by our staff")
        await line.hang_up()

    call = await scene.ring("desk", leaves)
    await then.wait()
    await hang_up(scene, call.room, GOODBYE)
    require_cancelled(await scene.over(call))


async def test_a_telephone_that_rings_stops_ringing(scene: Scene) -> None:
    number = "+15554009001"
    scene.exchange.connect(number, NoAnswer())
    placing = asyncio.create_task(scene.place("patient", number))
    call = await scene.exchange.call_to(number)
    await call.rings(10)
    asked = await hang_up(scene, call.room, GOODBYE)  # nobody would hear it
    placed = await placing
    record = await scene.over(call)
    assert end_of(call) - asked < 1
    require_cancelled(record, f"{REASON} before it was answered")
    assert record.answered_at is None
    assert (placed.outcome, placed.reason) == (Outcome.CANCELLED, record.reason)
    assert not placed.retryable


@pytest.mark.memory
async def test_a_telephone_at_which_keys_are_pressed_is_hung_up_by_the_operator(
    scene: Scene,
) -> None:
    number, answered = "+15554009003", asyncio.Event()

    async def listens(line: Line) -> None:
        answered.set()
        await line.stay()

    scene.exchange.connect(number, Telephone(script=listens))
    placing = asyncio.create_task(scene.place("leaves", number, name="Ann", dtmf="1,,,,2"))
    call = await scene.exchange.call_to(number)
    await answered.wait()
    asked = await hang_up(scene, call.room)
    placed = await placing
    record = await scene.over(call)
    it_ended_at_once(call, asked)
    require_cancelled(record, f"{REASON} before it was answered")
    assert placed.outcome is Outcome.CANCELLED


@pytest.mark.memory
async def test_a_call_that_has_no_agent_yet_is_hung_up_as_soon_as_it_has(scene: Scene) -> None:
    number = "+15554009002"
    scene.exchange.connect(number, NoAnswer())
    placing = asyncio.create_task(scene.place("patient", number))
    async with scene.livekit() as livekit:
        rooms: list[str] = []
        while not rooms:
            found = await livekit.room.list_rooms(api.ListRoomsRequest())
            rooms = [room.name for room in found.rooms]
    asked = await hang_up(scene, rooms[0])
    placed = await placing
    assert placed.outcome is Outcome.CANCELLED
    record = await scene.record(placed.room)
    assert record.ended_at.timestamp() - asked < 2
    assert (record.outcome, record.ended_by) == (Outcome.CANCELLED, "operator")


@pytest.mark.memory
@pytest.mark.parametrize("goodbye", ["", GOODBYE])
async def test_a_call_on_hold_is_hung_up_too(scene: Scene, goodbye: str) -> None:
    async def puts_on_hold(line: Line) -> None:
        await line.heard("what can I do for you")
        await line.say("Please hold the line.")
        await line.wait(3)

    call = await rung(scene, puts_on_hold)
    asked = await hang_up(scene, call.room, goodbye)
    record = await scene.over(call)
    if goodbye:
        heard_once(call, GOODBYE)
    else:
        it_ended_at_once(call, asked)
    require_cancelled(record)


@pytest.mark.memory
@pytest.mark.parametrize("goodbye", ["", GOODBYE])
@pytest.mark.corpus
async def test_a_consultation_ends_with_it_and_the_goodbye_is_for_the_caller(
    scene: Scene, goodbye: str
) -> None:
    async def listens(line: Line) -> None:
        await line.heard("I have a caller on the line")

    then = Then()
    scene.exchange.connect(SALES, Telephone(script=then.after(listens)))
    call = await scene.exchange.ring(CALLER, SWITCHBOARD, asks_for("sales"))
    await then.there.wait()
    asked = await hang_up(scene, call.room, goodbye)
    record = await scene.over(call)
    asked_colleague = await scene.exchange.call_to(SALES)
    await asked_colleague.ended(5)
    await scene.no_room(f"{call.room}-consult")
    not_heard(asked_colleague, GOODBYE)
    assert end_of(asked_colleague) - asked < 2
    if goodbye:
        heard_once(call, GOODBYE)
    else:
        it_ended_at_once(call, asked)
    require_cancelled(record)
    (transfer,) = record.transfers
    assert not transfer.succeeded
    assert transfer.reason == ("the transfer was aborted" if goodbye else REASON)


@pytest.mark.memory
async def test_a_caller_who_talks_to_a_colleague_is_hung_up_with_them(scene: Scene) -> None:
    async def talks(line: Line) -> None:
        await line.sound()
        await line.press("1")

    async def says_hello(line: Line) -> None:
        await line.say("Good morning Ann, this is Bob at your service.")
        await line.wait(8)

    then = Then()
    again = Telephone(script=then.after(says_hello))
    scene.exchange.connect(SALES, colleague(talks, again))
    call = await scene.exchange.ring(CALLER, SWITCHBOARD, asks_for("sales"))
    await then.there.wait()
    asked = await hang_up(scene, call.room, GOODBYE)  # the persona has left the call
    record = await scene.over(call)
    connected = await scene.exchange.call_to(SALES, nth=2)
    for leg in (call, connected):
        it_ended_at_once(leg, asked)
        not_heard(leg, GOODBYE)
    require_cancelled(record)


@pytest.mark.memory
async def test_a_call_that_another_process_has_taken_over_is_hung_up(scene: Scene) -> None:
    call = await rung(scene)
    kill_its_process(scene, call.room)
    asked = await hang_up(scene, call.room, GOODBYE)  # at once, while nobody has it
    record = await scene.over(call)
    assert end_of(call) - asked < 12
    require_cancelled(record)
    assert record.taken_over == 1
    heard_once(call, GOODBYE)


@pytest.mark.memory
async def test_what_is_not_signed_for_this_call_hangs_up_nothing(scene: Scene) -> None:
    call = await rung(scene)
    async with scene.livekit() as livekit:
        _, id = await room_of(livekit, call.room)
        of_another_secret = scene.settings.model_copy(
            update={"livekit_api_secret": type(scene.settings.livekit_api_secret)("another one")}
        )
        forged = [
            "",
            "x",
            "hang up",
            sign(HangUp(id, WAY), of_another_secret),
            sign(HangUp("AJ_other", WAY), scene.settings),
            sign(HangUp(id, WAY), scene.settings).replace(WAY, "through the API"),
        ]
        inside = await livekit.room.list_participants(api.ListParticipantsRequest(room=call.room))
        for value in forged:
            for one in inside.participants:
                wanted = {ATTRIBUTE: value}
                await livekit.room.update_participant(
                    api.UpdateParticipantRequest(
                        room=call.room, identity=one.identity, attributes=wanted
                    )
                )
                await asyncio.sleep(0.5)
        # One that is signed, and stands on somebody else.
        (caller,) = (one for one in inside.participants if one.identity.startswith("sip_"))
        await livekit.room.update_participant(
            api.UpdateParticipantRequest(
                room=call.room,
                identity=caller.identity,
                attributes={ATTRIBUTE: sign(HangUp(id, WAY), scene.settings)},
            )
        )
        await asyncio.sleep(2)
    assert not call.done
    await call.hang_up()
    record = await scene.over(call)
    assert record.ended_by == "far end"
    assert scene.log().count("not signed for this call, and is ignored") == 5


@pytest.mark.memory
async def test_a_call_is_found_by_its_id_and_by_its_room_on_any_host(scene: Scene) -> None:
    calls = [await rung(scene) for _ in range(3)]
    async with scene.livekit() as livekit:
        found = [await room_of(livekit, call.room) for call in calls]
        assert [room for room, _ in found] == [call.room for call in calls]
        for room, id in found:
            assert await room_of(livekit, id) == (room, id)
        for nobody in ("AJ_nobody", "desk", "", CallState().id):
            with pytest.raises(HostError, match="there is no live call"):
                await room_of(livekit, nobody)
    for (room, id), call in zip(found, calls, strict=True):
        await hang_up(scene, room, call=id)
        require_cancelled(await scene.over(call))


@pytest.mark.memory
async def test_the_command_hangs_up_and_waits_until_the_call_is_over(scene: Scene) -> None:
    call = await rung(scene)
    (live,) = LiveCalls(scene.settings, lambda call: True).read().live
    await end(scene.settings, find(scene.settings, live.id[:8]), live.id[:8], GOODBYE)
    record = await scene.record(call.room)
    heard_once(call, GOODBYE)
    require_cancelled(record)
    with pytest.raises(HostError, match="there is no live call"):
        await end(scene.settings, None, live.id, "")


@pytest.mark.memory
async def test_a_call_that_is_over_is_not_waited_for(scene: Scene) -> None:
    call = await rung(scene)
    await call.hang_up()
    await scene.over(call)
    begun = time.time()
    with pytest.raises(NoSuchCall, match="there is no live call in room"):
        await hang_up(scene, call.room)
    assert time.time() - begun < 3


@pytest.mark.memory
async def test_the_command_says_that_a_call_does_not_respond(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("host.runner.operator.hangup.read", lambda *facts: None)
    call = await rung(scene)
    with pytest.raises(HostError, match=f"the call in room .*{call.room[-6:]} does not respond"):
        await end(scene.settings, (call.room, ""), call.room, "")
    await call.hang_up()
    await scene.over(call)
