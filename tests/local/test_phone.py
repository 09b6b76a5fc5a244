"""Telephones: their voice, ears and scripts, and what is recorded of a call."""

import asyncio
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest
from livekit import api, rtc
from plain_agent import CALLER, HOST_NUMBER, Agent

from host.local.exchange import Exchange, PhoneCall, Sentences
from host.local.livekit import LiveKitServer
from host.local.phone import Fails, Line, NotHeard, Telephone, voicemail
from host.local.sound import RATE, level, loud, purity
from host.local.speech import speak

Join = Callable[[str], Awaitable[Agent]]

HELP = "Hello, how can I help you?"
HOURS = "We are open from nine to five."
ASK = "What are your opening hours?"


@pytest.fixture
async def exchange(livekit: LiveKitServer) -> AsyncIterator[Exchange]:
    """An exchange whose telephones understand what the agents of these tests say."""
    async with Exchange(
        livekit.url,
        livekit.api_key,
        livekit.api_secret,
        sentences=Sentences([HELP, HOURS]),
        callers=Sentences(),
    ) as exchange:
        await exchange.route(HOST_NUMBER, agent="")
        yield exchange


async def the_agent_of(call: PhoneCall, join: Join) -> Agent:
    """Let an agent take the call, and wait until both can hear each other."""
    agent = await join(call.room)
    await agent.speaks_up()
    await call.answered()
    await agent.sees("track")
    return agent


async def test_a_conversation_is_heard_and_recorded(
    exchange: Exchange, join: Join, tmp_path: Path
) -> None:
    async def asks(line: Line) -> None:
        await line.heard("how can I help")
        await line.say(ASK)
        await line.heard("nine to five")
        await line.hang_up()

    call = await exchange.ring(CALLER, HOST_NUMBER, asks)
    agent = await the_agent_of(call, join)
    await agent.says(await speak(HELP, RATE))
    await agent.pulse.until(lambda: loud(agent.heard).any(), 10, "the question")
    await agent.pulse.until(lambda: not loud(agent.heard[-4000:]).any(), 10, "its end")
    await agent.says(await speak(HOURS, RATE))
    await call.ended()
    assert [heard.text for heard in call.heard] == [HELP, HOURS]
    assert ASK in exchange.callers
    assert ASK not in exchange.sentences

    said, heard = call.recording.T
    spoken = np.flatnonzero(loud(said)) * 0.02
    assert call.heard[0].end < spoken[0] < spoken[-1] < call.heard[1].start
    for words in call.heard:
        inside = heard[round(words.start * RATE) : round(words.end * RATE)]
        assert level(inside) > -40
    call.save_wav(tmp_path / "call.wav")
    with wave.open(str(tmp_path / "call.wav")) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, RATE)
        assert file.getnframes() == len(call.recording)


async def test_words_that_never_come_fail_the_script_and_the_test(
    exchange: Exchange, join: Join
) -> None:
    async def waits(line: Line) -> None:
        await line.heard("nine to five", limit=0.5)

    call = await exchange.ring(CALLER, HOST_NUMBER, waits)
    await the_agent_of(call, join)
    with pytest.raises(NotHeard, match="'nine to five'; heard so far: nothing"):
        await call.ended()
    assert call.ended_by == "phone"


async def test_words_cut_off_by_the_far_end_were_not_heard(exchange: Exchange, join: Join) -> None:
    async def waits(line: Line) -> None:
        await line.heard("nine to five")

    call = await exchange.ring(CALLER, HOST_NUMBER, waits)
    agent = await the_agent_of(call, join)
    await agent.says((await speak(HOURS, RATE))[: RATE // 2])
    await agent.end_call(call.identity)
    with pytest.raises(NotHeard, match="the call ended before"):
        await call.ended()


async def test_the_last_words_before_a_hangup_are_heard(exchange: Exchange, join: Join) -> None:
    async def waits(line: Line) -> None:
        await line.heard("nine to five")
        await line.stay()  # its own hang-up could come first

    call = await exchange.ring(CALLER, HOST_NUMBER, waits)
    agent = await the_agent_of(call, join)
    await agent.says(await speak(HOURS, RATE))
    await asyncio.sleep(0.25)  # on its way
    await agent.end_call(call.identity)
    await call.ended()
    assert [heard.text for heard in call.heard] == [HOURS]


async def test_a_person_can_hang_up_in_the_middle_of_a_word(exchange: Exchange, join: Join) -> None:
    async def hangs_up(line: Line) -> None:
        seconds = await line.begin("This is a sentence that takes a good while to say.")
        assert seconds > 2
        await line.wait(1.0)
        await line.hang_up()

    call = await exchange.ring(CALLER, HOST_NUMBER, hangs_up)
    await the_agent_of(call, join)
    await call.ended()
    said = np.flatnonzero(loud(call.recording[:, 0])) * 0.02
    assert 0.5 < said[-1] < 1.4


async def test_a_voicemail_greets_beeps_and_records(
    exchange: Exchange, join: Join, livekit: LiveKitServer
) -> None:
    greeting = "Leave a message."
    exchange.connect("+15552220004", Telephone(0.1, voicemail(greeting, pause=0.5)))
    agent = await join("reminder-1")
    await agent.speaks_up()
    trunk = await exchange.trunk(HOST_NUMBER)
    async with api.LiveKitAPI(exchange.url, livekit.api_key, livekit.api_secret) as lk:
        await lk.sip.create_sip_participant(
            api.CreateSIPParticipantRequest(
                sip_trunk_id=trunk,
                sip_call_to="+15552220004",
                room_name="reminder-1",
                wait_until_answered=True,
            )
        )
        await agent.pulse.until(lambda: purity(agent.heard[-1600:], 1000) > 0.9, 15, "the beep")
        await agent.pulse.until(lambda: not loud(agent.heard[-800:]).any(), 5, "its end")
        await agent.says(await speak(HOURS, RATE))
        await asyncio.sleep(0.25)  # on its way
        await lk.room.delete_room(api.DeleteRoomRequest(room="reminder-1"))
    call = exchange.calls[-1]
    await call.ended()
    assert [heard.text for heard in call.heard] == [HOURS]
    said, heard = call.recording.T
    beep = max(np.flatnonzero(loud(said))) * 0.02
    assert purity(said[round((beep - 0.3) * RATE) : round(beep * RATE)], 1000) > 0.95
    assert call.heard[0].start > beep
    pause = said[round((beep - 0.75) * RATE) : round((beep - 0.45) * RATE)]
    assert level(pause) < -60


async def test_a_browser_is_a_caller_without_a_telephone(exchange: Exchange, join: Join) -> None:
    async def talks(line: Line) -> None:
        await line.heard("how can I help")
        await line.beep(1000, 0.5)
        await line.stay()

    agent = await join("web-1")
    await agent.speaks_up()
    call = await exchange.browse("web-1", talks, agent="", identity="visitor")
    await call.answered()
    await agent.sees("joined", "visitor")
    await agent.sees("track")
    assert agent.caller.kind == rtc.ParticipantKind.PARTICIPANT_KIND_STANDARD
    assert not [key for key in agent.caller.attributes if key.startswith("sip.")]
    await agent.says(await speak(HELP, RATE))
    await agent.pulse.until(lambda: purity(agent.heard[-1600:], 1000) > 0.9, 10, "the beep")
    await call.hang_up()
    assert await agent.sees("left") == rtc.DisconnectReason.CLIENT_INITIATED
    assert [heard.text for heard in call.heard] == [HELP]
    assert len(exchange.ledger) == 0


async def test_a_browsers_token_dispatches_the_agent(
    exchange: Exchange, livekit: LiveKitServer
) -> None:
    call = await exchange.browse("web-2", agent="host", metadata='{"persona": "receptionist"}')
    await call.answered()
    async with api.LiveKitAPI(exchange.url, livekit.api_key, livekit.api_secret) as lk:
        (dispatch,) = await lk.agent_dispatch.list_dispatch("web-2")
    assert (dispatch.agent_name, dispatch.metadata) == ("host", '{"persona": "receptionist"}')
    await call.hang_up()


async def test_an_inbound_call_dispatches_the_agent_of_its_rule(
    exchange: Exchange, livekit: LiveKitServer
) -> None:
    await exchange.route("+15550003333", agent="host", metadata='{"persona": "survey"}')
    call = await exchange.ring(CALLER, "+15550003333")
    await call.rings()
    async with api.LiveKitAPI(exchange.url, livekit.api_key, livekit.api_secret) as lk:
        (dispatch,) = await lk.agent_dispatch.list_dispatch(call.room)
    assert (dispatch.agent_name, dispatch.metadata) == ("host", '{"persona": "survey"}')
    await call.hang_up()


async def test_a_script_that_breaks_hangs_up_and_is_told(exchange: Exchange, join: Join) -> None:
    async def breaks(line: Line) -> None:
        raise LookupError("lost")

    call = await exchange.ring(CALLER, HOST_NUMBER, breaks)
    agent = await join(call.room)
    await agent.speaks_up()
    with pytest.raises(LookupError, match="lost"):
        await call.ended()
    assert call.ended_by == "phone"


async def test_a_telephone_has_twelve_keys_and_four_more(exchange: Exchange, join: Join) -> None:
    async def presses(line: Line) -> None:
        await line.press("1x")

    call = await exchange.ring(CALLER, HOST_NUMBER, presses)
    agent = await join(call.room)
    await agent.speaks_up()
    with pytest.raises(ValueError, match="no key 'x'"):
        await call.ended()
    assert call.pressed == []


def test_only_a_failure_can_fail() -> None:
    with pytest.raises(ValueError, match="200 is no SIP status of a failure"):
        Fails(200)


async def test_four_calls_at_once_are_all_heard(exchange: Exchange, join: Join) -> None:
    async def listens(line: Line) -> None:
        await line.heard("how can I help", limit=40)
        await line.hang_up()

    calls = await asyncio.gather(
        *(exchange.ring(f"+1555777100{each}", HOST_NUMBER, listens) for each in range(4))
    )
    agents = await asyncio.gather(*(the_agent_of(call, join) for call in calls))
    sound = await speak(HELP, RATE)
    await asyncio.gather(*(agent.says(sound) for agent in agents))
    for call in calls:
        await call.ended(60)
        assert [heard.text for heard in call.heard] == [HELP]
