"""Personas ring SIP user agents over a real livekit-sip, and record what comes of it."""

from __future__ import annotations

import asyncio

import pytest
from user_agents.world import OVER_SIP, SipCalls

from host.dispatch.hangup import hang_up

pytestmark = OVER_SIP

GREETING = "Hello, this is Molar Dental calling for Ann."
MESSAGE = "Your appointment is at three o'clock. Goodbye."
MAILBOX = "You have reached the voicemail of Ann. Please leave a message after the tone."
ANN = {"patient": "Ann", "time": "three o'clock"}


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("486 Busy Here", "busy"),
        ("603 Decline", "declined"),
        ("404 Not Found", "invalid_number"),
        ("480 Temporarily Unavailable", "no_answer"),
        ("503 Service Unavailable", "trunk_error"),
    ],
)
async def test_a_final_status_tells_the_outcome(status: str, outcome: str, calls: SipCalls) -> None:
    async with calls.sipp("final", status=status) as agent:
        placed, record = await calls.place("reminder", **ANN)
        messages = await agent.over()
    assert "INVITE sip:+15552220001@127.0.0.1:5060" in messages
    assert (placed, record.outcome) == (outcome, outcome)
    assert record.sip_status == int(status[:3])


async def test_a_telephone_that_rings_and_declines(calls: SipCalls) -> None:
    async with calls.sipp("declines", status="603 Decline") as agent:
        _, record = await calls.place("reminder", **ANN)
        await agent.over()
    assert record.outcome == "declined"
    assert record.ringing_at


async def test_a_telephone_that_rings_for_too_long_gets_a_cancel(calls: SipCalls) -> None:
    async with calls.sipp("rings") as agent:
        _, record = await calls.place("reminder", **ANN)
        messages = await agent.over()
    assert "CANCEL sip:+15552220001@127.0.0.1:5060" in messages
    assert (record.outcome, record.answered_at) == ("no_answer", None)


async def test_a_callee_who_says_nothing_and_hangs_up_was_not_reached(calls: SipCalls) -> None:
    async with calls.sipp("hangs_up") as agent:
        _, record = await calls.place("reminder", **ANN)
        await agent.over()
    assert (record.outcome, record.ended_by) == ("no_answer", "far end")
    assert record.answered_at


async def test_a_person_who_answers_is_greeted_by_name_and_talked_with(calls: SipCalls) -> None:
    async with calls.softphone(says="Hello?") as phone:
        placing = asyncio.create_task(calls.place("reminder", **ANN))
        await phone.until("CALL_INCOMING")
        await phone.command("accept")
        await phone.hears(GREETING)
        await phone.say("Yes, speaking.", calls.world.callers)
        await phone.hears("Can you come?")
        await phone.say("Yes, I can.", calls.world.callers)
        await phone.hears("see you tomorrow")
        await phone.until("CALL_CLOSED")
        placed, record = await placing
    assert [each.text for each in phone.heard].count(GREETING) == 1
    assert (placed, record.ended_by) == ("completed", "persona")
    said = [each.text for each in record.transcript if each.who == "caller"]
    assert said == ["Hello?", "Yes, speaking.", "Yes, I can."]


async def test_a_voicemail_gets_its_message_once_after_the_beep(calls: SipCalls) -> None:
    async with calls.softphone(says=MAILBOX, beeps=True, account=";answermode=auto") as phone:
        _, record = await calls.place("reminder", **ANN)
        await phone.until("CALL_CLOSED")
    assert " ".join(each.text for each in phone.heard) == MESSAGE
    assert record.outcome == "voicemail_left"


async def test_a_callee_answers_by_key(calls: SipCalls) -> None:
    async with calls.softphone(says="Hello?", account=";answermode=auto") as phone:
        placing = asyncio.create_task(calls.place("survey", patient="Ann"))
        await phone.hears("Press a key from one to five.")
        await phone.press("4")
        await phone.hears("Thank you for your answer.")
        _, record = await placing
    assert [key.digit for key in record.keys] == ["4"]
    assert record.outcome == "completed"


async def test_an_operator_hangs_up_a_call_that_rings(calls: SipCalls) -> None:
    async with calls.softphone() as phone:
        placing = asyncio.create_task(calls.place("reminder", **ANN))
        await phone.until("CALL_INCOMING")
        (room,) = await calls.rooms()
        async with calls.scene.livekit() as livekit:
            await hang_up(livekit, calls.scene.settings, room, "by a test")
        await phone.until("CALL_CLOSED")
        _, record = await placing
    assert (record.outcome, record.ended_by) == ("cancelled", "operator")
