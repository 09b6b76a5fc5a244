"""Calls that come in: what the caller hears and sees, and what is left behind."""

import asyncio

import pytest
from livekit import api
from scene import answer_of, end_of, events, in_order, length_of, logged, on_its_way

from host.local.exchange import Ending
from host.local.phone import Line
from host.records.outcome import Outcome
from host.testing import Scene, heard_once, not_heard

CALLER = "+15557770001"
DESK, OPENER, ENTERS, BREAKS = "+15550001101", "+15550001102", "+15550001103", "+15550001104"
SLOW, SHORT = "+15550001105", "+15550001107"
GREETING = "This is the desk. What can I do for you?"


async def listens(line: Line) -> None:
    await line.silence_for(1.0)
    await line.hang_up()


async def listens_on(line: Line) -> None:
    await line.sound()
    await listens(line)


async def test_a_caller_is_answered_and_greeted_once(scene: Scene) -> None:
    call = await scene.exchange.ring(CALLER, DESK, listens)
    record = await scene.over(call)
    greeting = heard_once(call, GREETING)
    assert greeting.start < 1.5
    assert (record.persona, record.outcome, record.ended_by) == (
        "desk",
        Outcome.COMPLETED,
        "far end",
    )
    assert record.number == CALLER
    assert record.our_number == DESK
    assert [(line.who, line.text) for line in record.transcript] == [("persona", GREETING)]


@pytest.mark.sample("now")
async def test_a_number_that_is_dialled_without_its_plus_reaches_its_persona(
    either_scene: Scene,
) -> None:
    call = await either_scene.exchange.ring(CALLER, DESK.removeprefix("+"), listens)
    record = await either_scene.over(call)
    heard_once(call, GREETING)
    assert (record.persona, record.outcome) == ("desk", Outcome.COMPLETED)


@pytest.mark.sample("now")
async def test_a_caller_whose_packets_come_late_hears_the_whole_greeting(
    either_scene: Scene,
) -> None:
    call = await either_scene.exchange.ring(CALLER, DESK, listens_on, first_packet=2.5)
    record = await either_scene.over(call)
    assert heard_once(call, GREETING).start > 1.0
    in_order(record)


@pytest.mark.promise("A caller is answered, greeted once, and hears the whole goodbye")
async def test_a_question_is_answered_and_the_goodbye_is_heard_to_its_end(scene: Scene) -> None:
    async def asks(line: Line) -> None:
        await line.heard("what can I do for you")
        await line.say("What day is it?")
        await line.heard("today is monday")
        await line.say("Thank you and goodbye.")
        await line.stay()

    call = await scene.exchange.ring(CALLER, DESK, asks)
    record = await scene.over(call)
    heard_once(call, GREETING)
    heard_once(call, "Today is Monday.")
    goodbye = heard_once(call, "Thank you very much for your call. Goodbye.")
    assert call.ended_by == "far end"
    assert length_of(call) > goodbye.end + on_its_way(scene)
    assert (record.outcome, record.ended_by) == (Outcome.COMPLETED, "persona")
    assert [tool.name for tool in record.tools] == ["end_call"]
    assert [line.text for line in record.transcript if line.who == "caller"] == [
        "What day is it?",
        "Thank you and goodbye.",
    ]


@pytest.mark.both_generations
async def test_a_caller_who_hangs_up_in_the_middle_of_a_word_ends_the_call(scene: Scene) -> None:
    async def leaves(line: Line) -> None:
        await line.heard("what can I do for you")
        await line.say("Tell me a long story.")
        await line.sound()
        await line.begin("And another thing is that I really have to")
        await line.wait(0.7)
        await line.hang_up()

    call = await scene.exchange.ring(CALLER, DESK, leaves)
    record = await scene.over(call)
    assert call.ended_by == "phone"
    assert (record.outcome, record.ended_by) == (Outcome.COMPLETED, "far end")


async def test_a_telephone_that_drops_out_of_the_room_ends_the_call(either_scene: Scene) -> None:
    call = await either_scene.exchange.ring(CALLER, DESK)
    await call.answered()
    call.end(Ending("phone", "media timeout", hangup=False))  # LiveKit SIP tells no `hangup` then
    record = await either_scene.over(call)
    assert record.ended_by == "far end"
    told = [fact for event, fact in events(either_scene, call.room) if event == "status"]
    assert told[-1] == "hangup"


@pytest.mark.both_generations
async def test_a_caller_who_gives_up_while_it_rings_leaves_nothing_behind(scene: Scene) -> None:
    call = await scene.exchange.ring(CALLER, SLOW, patience=1.5)
    record = await scene.over(call)
    assert call.status == "cancelled"
    assert (record.outcome, record.ended_by) == (Outcome.ABANDONED, "far end")
    assert record.answered_at is None


@pytest.mark.promise("The persona speaks only after the call is answered")
async def test_nothing_is_said_before_the_call_is_answered(scene: Scene) -> None:
    call = await scene.exchange.ring(CALLER, SLOW, listens)
    record = await scene.over(call)
    assert answer_of(call) - call.started_at > 3
    heard_once(call, "Sorry to keep you waiting.")
    in_order(record)


@pytest.mark.promise("A caller without a persona hears busy at once")
@pytest.mark.both_generations
async def test_a_call_for_nobody_is_refused_and_sounds_busy_at_once(scene: Scene) -> None:
    number = "+15550001999"
    await scene.exchange.route(number, metadata='{"persona": "nobody"}')
    call = await scene.exchange.ring(CALLER, number, listens)
    record = await scene.over(call)
    assert call.sip_status == 486
    assert end_of(call) - call.started_at < 3
    assert (record.persona, record.outcome) == (None, Outcome.REFUSED)
    assert "'nobody'" in record.reason
    await logged(scene, f"call in room {call.room} refused")


@pytest.mark.both_generations
async def test_metadata_that_is_no_object_is_refused(scene: Scene) -> None:
    number = "+15550001998"
    await scene.exchange.route(number, metadata="[1, 2]")
    call = await scene.exchange.ring(CALLER, number, listens)
    record = await scene.over(call)
    assert call.sip_status == 486
    assert record.outcome is Outcome.REFUSED


@pytest.mark.both_generations
async def test_a_caller_without_the_details_that_a_persona_needs_is_refused(scene: Scene) -> None:
    number = "+15550001995"
    await scene.exchange.route(number, prefix="leaves")
    call = await scene.exchange.ring(CALLER, number, listens)
    record = await scene.over(call)
    assert call.sip_status == 486
    assert record.outcome is Outcome.REFUSED
    assert "'name' is missing" in record.reason


@pytest.mark.memory
async def test_the_metadata_chooses_before_the_number(scene: Scene) -> None:
    number = "+15550001997"
    await scene.exchange.route(number, prefix="desk", metadata='{"persona": "skips"}')
    call = await scene.exchange.ring(CALLER, number, listens)
    record = await scene.over(call)
    heard_once(call, "Good evening, this is the skipper.")
    assert record.persona == "skips"


@pytest.mark.memory
async def test_the_rooms_prefix_chooses_before_the_number(scene: Scene) -> None:
    number = "+15550001996"
    await scene.exchange.route(number, prefix="talks")
    call = await scene.exchange.ring(CALLER, number, listens)
    record = await scene.over(call)
    heard_once(call, "I talk to everybody who picks up.")
    assert record.persona == "talks"


async def test_without_a_greeting_the_model_opens_the_call(scene: Scene) -> None:
    call = await scene.exchange.ring(CALLER, OPENER, listens)
    await scene.over(call)
    heard_once(call, "Welcome, I am the opener.")


@pytest.mark.promise("A realtime model may replace STT, LLM and TTS")
@pytest.mark.whole("a realtime model speaks over a websocket")
async def test_a_realtime_model_greets_once_in_its_own_voice(scene: Scene) -> None:
    call = await scene.ring("realtime", listens)
    record = await scene.over(call)
    heard_once(call, "I hear and speak by myself.")
    assert record.outcome is Outcome.COMPLETED
    assert "I hear and speak by myself." not in scene.world.cartesia.spoken


@pytest.mark.memory
async def test_an_agent_of_livekits_own_enters_when_the_call_is_answered(scene: Scene) -> None:
    call = await scene.exchange.ring(CALLER, ENTERS, listens)
    record = await scene.over(call)
    heard_once(call, "I have just come in. Who is there?")
    assert record.outcome is Outcome.COMPLETED


async def test_an_agent_of_livekits_own_is_greeted_for_and_answers(scene: Scene) -> None:
    async def asks(line: Line) -> None:
        await line.heard("the custom agent greets you")
        await line.say("What day is it?")
        await line.heard("today is monday")
        await line.hang_up()

    call = await scene.ring("custom", asks)
    await scene.over(call)
    heard_once(call, "The custom agent greets you.")
    heard_once(call, "Today is Monday.")


@pytest.mark.memory
@pytest.mark.both_generations
async def test_a_question_that_fails_ends_its_call_with_an_apology(scene: Scene) -> None:
    call = await scene.exchange.ring(CALLER, BREAKS)
    record = await scene.over(call)
    heard_once(call, "I am sorry, something went wrong on our side. Please call again later.")
    assert call.ended_by == "far end"
    assert record.outcome is Outcome.FAILED
    assert record.error == "RuntimeError: the persona is broken"
    await logged(scene, "the persona is broken")


@pytest.mark.memory
async def test_a_plugin_that_fails_in_an_event_harms_no_call(scene: Scene) -> None:
    call = await scene.exchange.ring(CALLER, DESK, listens)
    await scene.over(call)
    heard_once(call, GREETING)
    told = events(scene, call.room)
    statuses = [fact for event, fact in told if event == "status"]
    assert statuses[-2:] == ["active", "hangup"]  # LiveKit SIP may tell `ringing` too late
    assert told[-1] == ("ended", "completed")
    await logged(scene, "a plugin that fails")


@pytest.mark.memory
@pytest.mark.both_generations
async def test_a_call_that_lasts_too_long_is_ended_with_a_word(scene: Scene) -> None:
    call = await scene.exchange.ring(CALLER, SHORT)
    record = await scene.over(call)
    heard_once(call, "I am sorry, our time is up. Goodbye.")
    assert call.ended_by == "far end"
    assert 6 < length_of(call) < 15
    assert "maximum duration" in record.reason


@pytest.mark.both_generations
async def test_a_room_that_somebody_deletes_ends_its_call(scene: Scene) -> None:
    call = await scene.exchange.ring(CALLER, DESK)
    await call.answered()
    async with scene.livekit() as livekit:
        await livekit.room.delete_room(api.DeleteRoomRequest(room=call.room))
    record = await scene.over(call)
    assert call.ended_by == "far end"
    assert record.ended_by == "livekit"


@pytest.mark.promise("Personas answer concurrent calls, each call in its own process")
async def test_two_callers_at_once_get_their_own_personas(scene: Scene) -> None:
    first, second = await asyncio.gather(
        scene.exchange.ring("+15557770001", DESK, listens),
        scene.exchange.ring("+15557770002", OPENER, listens),
    )
    await asyncio.gather(scene.over(first), scene.over(second))
    heard_once(first, GREETING)
    not_heard(first, "Welcome, I am the opener.")
    heard_once(second, "Welcome, I am the opener.")
    not_heard(second, GREETING)
