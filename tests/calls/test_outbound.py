"""Calls that the host places: who is dialled, what is heard there, and what it is called."""

import asyncio
import json
import os
import sys
from itertools import count

import pytest
from livekit import api
from scene import a_number, events, in_order

from host.local.exchange import Subscriber
from host.local.phone import (
    Busy,
    Declines,
    Fails,
    Invalid,
    Line,
    NoAnswer,
    NoResponse,
    Telephone,
    Unavailable,
)
from host.records.outcome import Outcome
from host.testing import Scene, heard_once, not_heard

MESSAGE = "This is the message of the test. Please call us back tomorrow."
_rooms = count()


@pytest.mark.promise("An outbound call greets the callee with details from its metadata")
async def test_a_person_who_answers_is_greeted_once_and_by_name(scene: Scene) -> None:
    async def ann(line: Line) -> None:
        await line.say("Hello?")
        await line.heard("this is a test call")
        await line.say("Who is it?")
        await line.heard("it is only a test")
        await line.say("Thank you and goodbye.")
        await line.stay()

    placed, call, record = await scene.place_to(
        Telephone(answer_after=2.0, script=ann), "leaves", name="Ann"
    )
    heard_once(call, "Good morning Ann, this is a test call.")
    heard_once(call, "It is only a test.")
    heard_once(call, "Thank you very much for your call. Goodbye.")
    not_heard(call, MESSAGE)
    assert (placed.outcome, record.outcome) == (Outcome.COMPLETED, Outcome.COMPLETED)
    assert (record.direction, record.number, record.voicemail) == ("outbound", call.number, "human")
    in_order(record)
    statuses = [fact for event, fact in events(scene, call.room) if event == "status"]
    assert statuses == ["dialing", "ringing", "active", "hangup"]


@pytest.mark.both_generations
async def test_an_extension_is_dialled_by_keys_and_whoever_answers_it_is_greeted(
    scene: Scene,
) -> None:
    async def office(line: Line) -> None:
        await line.keyed("12#")
        await line.wait(9.0)  # the extension rings
        await line.say("Hello?")
        await line.heard("this is a test call")
        await line.say("Who is it?")
        await line.heard("it is only a test")
        await line.hang_up()

    placed, call, record = await scene.place_to(
        Telephone(script=office), "leaves", name="Ann", dtmf="ww1,2#"
    )
    assert placed.outcome is Outcome.COMPLETED
    one, two, hash_key = (key.at for key in call.keys)
    assert two - one > 2.4
    greeting = heard_once(call, "Good morning Ann, this is a test call.")
    assert greeting.start > hash_key + 9
    assert record.voicemail == "human"
    assert [said.text for said in record.transcript][:2] == [
        "Hello?",
        "Good morning Ann, this is a test call.",
    ]
    assert [(key.who, key.digit) for key in record.keys] == [("persona", digit) for digit in "12#"]
    statuses = [fact for event, fact in events(scene, call.room) if event == "status"]
    assert statuses == ["dialing", "ringing", "automation", "active", "hangup"]
    in_order(record)


@pytest.mark.both_generations
async def test_whoever_says_hello_while_keys_are_pressed_is_greeted_after_them(
    scene: Scene,
) -> None:
    async def ann(line: Line) -> None:
        await line.say("Hello?")
        await line.heard("this is a test call")
        await line.hang_up()

    _, call, record = await scene.place_to(
        Telephone(script=ann), "leaves", name="Ann", dtmf="ww1ww23#"
    )
    greeting = heard_once(call, "Good morning Ann, this is a test call.")
    assert call.keys[-1].digit == "#"
    assert call.keys[-1].at < greeting.start < call.keys[-1].at + 5
    assert [said.text for said in record.transcript if said.who == "caller"] == ["Hello?"]


@pytest.mark.memory
async def test_a_menu_that_takes_the_keys_is_not_who_is_called(scene: Scene) -> None:
    async def office(line: Line) -> None:
        await line.say("For sales press one. Otherwise press the extension now.")
        await line.keyed("12#")
        await line.wait(7.0)
        await line.say("Hello?")
        await line.heard("this is a test call")
        await line.hang_up()

    _, call, record = await scene.place_to(
        Telephone(script=office), "leaves", name="Ann", dtmf=",,,12#"
    )
    greeting = heard_once(call, "Good morning Ann, this is a test call.")
    assert greeting.start > call.keys[-1].at + 7
    assert record.outcome is Outcome.COMPLETED


@pytest.mark.both_generations
async def test_who_hangs_up_while_keys_are_pressed_has_given_up(scene: Scene) -> None:
    async def leaves(line: Line) -> None:
        await line.keyed("1")
        await line.hang_up()

    placed, _, record = await scene.place_to(
        Telephone(script=leaves), "leaves", name="Ann", dtmf="1,,,,2"
    )
    assert placed.outcome is Outcome.ABANDONED
    assert record.reason == "the callee hung up while keys were pressed"
    assert record.ended_by == "far end"


@pytest.mark.both_generations
async def test_a_call_that_is_given_up_while_keys_are_pressed_is_cancelled(scene: Scene) -> None:
    number = a_number(scene, Telephone())
    placing = asyncio.create_task(scene.place("leaves", number, name="Ann", dtmf="1,,,,2"))
    call = await scene.exchange.call_to(number)
    await call.pulse.until(lambda: call.keys, 10, "a key")
    placing.cancel()
    record = await scene.over(call)
    assert record.outcome is Outcome.CANCELLED
    assert [key.digit for key in call.keys] == ["1"]


@pytest.mark.memory
async def test_keys_that_could_dial_a_blocked_number_are_not_dialled_with(scene: Scene) -> None:
    number = a_number(scene, Telephone())
    placed = await scene.place("leaves", number, name="Ann", dtmf="9,19005551234")
    assert placed.outcome is Outcome.BLOCKED
    assert "rule: keys" in placed.reason
    assert not scene.exchange.ledger.of("INVITE", number=number)


@pytest.mark.memory
@pytest.mark.parametrize("dtmf", ["12x", 12, "1" * 101, "1" + "," * 30])
async def test_what_can_not_be_pressed_refuses_the_call(scene: Scene, dtmf: object) -> None:
    number = a_number(scene, Telephone())
    wanted = {"persona": "leaves", "phone_number": number, "name": "Ann", "dtmf": dtmf}
    record = await scene.record(await _dispatch(scene, json.dumps(wanted)))
    assert record.outcome is Outcome.REFUSED
    assert record.reason.startswith("dtmf in the metadata")
    assert not scene.exchange.ledger.of("INVITE", number=number)


async def test_nothing_is_said_while_it_rings(scene: Scene) -> None:
    async def hello(line: Line) -> None:
        await line.say("Hello?")
        await line.silence_for(1.5)
        await line.hang_up()

    _, call, record = await scene.place_to(Telephone(answer_after=5.0, script=hello), "talks")
    greeting = heard_once(call, "I talk to everybody who picks up.")
    assert greeting.start < 1.5
    in_order(record)


@pytest.mark.sample("now")
async def test_what_a_network_says_before_the_answer_is_no_machine(either_scene: Scene) -> None:
    async def network(line: Line) -> None:
        await line.say("The person you have called is not available. Please stay on the line.")

    async def ann(line: Line) -> None:
        await line.say("Hello?")
        await line.heard("this is a test call")
        await line.hang_up()

    telephone = Telephone(answer_after=6.0, script=ann, early=network)
    placed, call, record = await either_scene.place_to(telephone, "leaves", name="Ann")
    heard_once(call, "Good morning Ann, this is a test call.")
    assert (placed.outcome, record.voicemail) == (Outcome.COMPLETED, "human")
    assert [said.text for said in record.transcript if said.who == "caller"] == ["Hello?"]
    in_order(record)


@pytest.mark.sample("word")
@pytest.mark.parametrize("answer", ["key", "word"])
async def test_the_survey_takes_a_key_or_a_word(scene: Scene, answer: str) -> None:
    async def ann(line: Line) -> None:
        await line.say("Hello?")
        await line.heard("press a key from one to five")
        if answer == "key":
            await line.press("5")
        else:
            await line.say("It was great.")
        await line.stay()

    placed, call, record = await scene.place_to(Telephone(script=ann), "survey", patient="Ann")
    heard_once(call, "Thank you for your answer. Goodbye.")
    assert placed.outcome is Outcome.COMPLETED
    assert (record.ended_by, call.ended_by) == ("persona", "far end")
    assert [key.digit for key in record.keys] == (["5"] if answer == "key" else [])


@pytest.mark.both_generations
async def test_a_placed_call_that_is_given_up_rings_no_longer(scene: Scene) -> None:
    number = a_number(scene, NoAnswer())
    placing = asyncio.create_task(scene.place("talks", number))
    call = await scene.exchange.call_to(number)
    await call.rings()
    placing.cancel()
    record = await scene.over(call)
    assert call.ended_by == "far end"
    assert record.outcome is Outcome.CANCELLED


@pytest.mark.sample("-busy", "now-no answer", "-no response", "2025-trunk down")
@pytest.mark.parametrize(
    ("telephone", "outcome", "sip_status"),
    [
        pytest.param(Busy(), Outcome.BUSY, 486, id="busy"),
        pytest.param(Declines(), Outcome.DECLINED, 603, id="declined"),
        pytest.param(Invalid(), Outcome.INVALID_NUMBER, 404, id="invalid number"),
        pytest.param(Unavailable(), Outcome.NO_ANSWER, 480, id="switched off"),
        pytest.param(Fails(503), Outcome.TRUNK_ERROR, 503, id="trunk down"),
        pytest.param(Fails(403), Outcome.BLOCKED, 403, id="forbidden"),
        pytest.param(NoAnswer(), Outcome.NO_ANSWER, None, id="no answer"),
        pytest.param(NoResponse(), Outcome.NO_ANSWER, None, id="no response"),
    ],
)
async def test_a_call_that_nobody_takes_is_named(
    either_scene: Scene, telephone: Subscriber, outcome: Outcome, sip_status: int | None
) -> None:
    placed, call, record = await either_scene.place_to(telephone, "patient")
    assert (placed.outcome, placed.sip_status) == (outcome, sip_status)
    assert (record.outcome, record.sip_status) == (outcome, sip_status)
    assert record.answered_at is None
    assert record.duration == 0
    assert call.answered_at is None
    invites = either_scene.exchange.ledger.of("INVITE", number=call.number)
    assert len(invites) == 1


@pytest.mark.both_generations
async def test_a_person_who_hangs_up_at_once_ends_the_call(scene: Scene) -> None:
    async def leaves(line: Line) -> None:
        await line.wait(0.2)
        await line.hang_up()

    placed, call, _ = await scene.place_to(Telephone(script=leaves), "leaves", name="Ann")
    assert placed.outcome is Outcome.ABANDONED


@pytest.mark.both_generations
async def test_a_person_who_hangs_up_in_the_middle_of_the_greeting_ends_the_call(
    scene: Scene,
) -> None:
    async def leaves(line: Line) -> None:
        await line.say("Hello?")
        await line.sound()
        await line.wait(0.8)
        await line.hang_up()

    placed, call, record = await scene.place_to(Telephone(script=leaves), "leaves", name="Ann")
    assert placed.outcome is Outcome.COMPLETED
    assert record.ended_by == "far end"


@pytest.mark.both_generations
async def test_metadata_that_a_persona_refuses_dials_nothing(scene: Scene) -> None:
    number = a_number(scene)
    metadata = json.dumps({"persona": "leaves", "phone_number": number})
    room = await _dispatch(scene, metadata)
    record = await scene.record(room)
    await scene.no_room(room)
    assert record.outcome is Outcome.REFUSED
    assert "'name' is missing" in record.reason
    assert not scene.exchange.ledger.of("INVITE", number=number)


@pytest.mark.memory
async def test_an_outbound_call_without_a_number_is_told_so(scene: Scene) -> None:
    room = await _dispatch(scene, '{"persona": "leaves", "name": "Ann"}')
    record = await scene.record(room, limit=30)
    await scene.no_room(room)
    assert record.outcome is Outcome.ABANDONED
    assert "put phone_number into the metadata" in record.reason


@pytest.mark.sample("not json", "2 MB")
@pytest.mark.parametrize(
    "metadata",
    [
        "not json",
        '["a", "list"]',
        '{"persona": "leaves", "phone_number": 15552220001, "name": "Ann"}',
        '{"persona": "leaves", "phone_number": "+0", "name": "Ann"}',
        '{"persona": "leaves", "phone_number": "sip:me@evil.example", "name": "Ann"}',
        '{"persona": ["leaves"], "phone_number": "+15552229999", "name": "Ann"}',
        pytest.param('{"persona": "leaves", "x": "' + "A" * 2_000_000 + '"}', id="2 MB"),
    ],
)
@pytest.mark.filterwarnings("ignore:Sending a large body directly")  # the 2 MB, by LiveKit's API
async def test_metadata_that_can_not_be_used_is_refused_and_dials_nothing(
    scene: Scene, metadata: str
) -> None:
    invites = len(scene.exchange.ledger.of("INVITE"))
    room = await _dispatch(scene, metadata)
    record = await scene.record(room)
    await scene.no_room(room)
    assert record.outcome is Outcome.REFUSED
    assert len(record.reason) < 300
    assert len(scene.exchange.ledger.of("INVITE")) == invites


@pytest.mark.promise("The exit code of `python -m host call` is the outcome")
@pytest.mark.whole("a command is a process")
async def test_the_command_tells_how_a_call_went_by_its_exit_code(scene: Scene) -> None:
    number = a_number(scene, Busy())
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "host", "call", "leaves", number, "name=Ann", "--json"),
        env={**os.environ, **scene.environment},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == Outcome.BUSY.exit_code
    told = json.loads(out)
    assert (told["outcome"], told["sip_status"], told["retryable"]) == ("busy", 486, True)


async def _dispatch(scene: Scene, metadata: str) -> str:
    """Dispatch as anybody can who has a key, past the checks of `host call`."""
    room = f"dispatched-{next(_rooms)}"
    async with scene.livekit() as livekit:
        await livekit.agent_dispatch.create_dispatch(
            api.CreateAgentDispatchRequest(agent_name="host", room=room, metadata=metadata)
        )
    return room
