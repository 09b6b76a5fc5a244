"""Softphones ring personas over a real livekit-sip: packets that nobody here wrote."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from scene import kill_its_process
from user_agents.softphone import Softphone
from user_agents.world import OVER_SIP, SipCalls

pytestmark = OVER_SIP

GREETING = "Press a key please."


@asynccontextmanager
async def greeted(calls: SipCalls, *, from_afar: bool = False) -> AsyncIterator[Softphone]:
    """A caller whom the pad has greeted."""
    async with calls.caller("pad", from_afar=from_afar) as phone:
        await phone.hears(GREETING)
        yield phone


async def test_a_softphone_rings_a_persona_by_its_name(calls: SipCalls) -> None:
    async with calls.caller("pad", number="+15557770001") as phone:
        await phone.until("CALL_ESTABLISHED")
        heard = await phone.hears(GREETING)
        await phone.command("hangup")
        record = await calls.record()
    assert heard.start < 5
    assert [each.text for each in phone.heard] == [GREETING]
    assert (record.outcome, record.ended_by, record.persona) == ("completed", "far end", "pad")
    assert (record.number, record.our_number) == ("+15557770001", "pad")


async def test_a_dialled_number_has_its_persona(calls: SipCalls) -> None:
    async with calls.caller("+15550001201") as phone:
        await phone.hears(GREETING)
        await phone.command("hangup")
        record = await calls.record()
    assert (record.persona, record.our_number) == ("pad", "+15550001201")


async def test_a_question_is_understood_and_the_persona_hangs_up(calls: SipCalls) -> None:
    async with calls.caller("receptionist") as phone:
        await phone.hears("How can I help you?")
        await phone.say("What are your opening hours?", calls.world.callers)
        await phone.hears("We are open from nine to five")
        await phone.say("Thank you, goodbye.", calls.world.callers)
        await phone.until("CALL_CLOSED")
        record = await calls.record()
    said = [each.text for each in record.transcript if each.who == "caller"]
    assert said == ["What are your opening hours?", "Thank you, goodbye."]
    assert (record.outcome, record.ended_by) == ("completed", "persona")


async def test_keys_are_received(calls: SipCalls) -> None:
    async with greeted(calls) as phone:
        await phone.press("5")
        await phone.hears("You pressed 5.")
        await phone.command("hangup")
        record = await calls.record()
    assert [(key.who, key.digit) for key in record.keys] == [("caller", "5")]


async def test_keys_are_sent_before_the_goodbye(calls: SipCalls) -> None:
    async with greeted(calls) as phone:
        await phone.press("#")
        await phone.until("CALL_CLOSED")
        await phone.hears("Goodbye.")
        record = await calls.record()
    assert phone.keys == "12#"
    assert (record.outcome, record.ended_by) == ("completed", "persona")


async def test_a_caller_who_gives_up_has_abandoned_the_call(calls: SipCalls) -> None:
    async with calls.caller("pad") as phone:
        await phone.until("CALL_RINGING")
        await phone.command("hangup")
        record = await calls.record()
    assert record.outcome == "abandoned"
    assert record.answered_at is None


async def test_a_name_of_nobody_is_refused(calls: SipCalls) -> None:
    async with calls.caller("nobody") as phone:
        closed = await phone.until("CALL_CLOSED")
        record = await calls.record()
    assert closed["param"].startswith("486"), closed
    assert record.outcome == "refused"


async def test_a_hold_leaves_no_call_behind(calls: SipCalls) -> None:
    async with greeted(calls) as phone:
        await phone.command("hold")
        await phone.until("CALL_REMOTE_SDP", times=2)
        await phone.command("resume")
        await phone.until("CALL_REMOTE_SDP", times=3)
        await phone.command("hangup")
        record = await calls.record()
        # livekit-sip 1.0 and 1.1 take each re-INVITE for a new call, which must end, too.
        await calls.no_room_is_left(60)
    assert record.persona == "pad"


async def test_a_refer_puts_the_caller_through(calls: SipCalls) -> None:
    # On loopback, livekit-sip 1.0 may lose a 202 that comes at once: see `user_agents/distance.py`.
    async with (
        calls.sipp("answers", 5066) as colleague,
        greeted(calls, from_afar=True) as phone,
    ):
        await phone.press("*")
        await phone.until("TRANSFER")
        record = await calls.record()
        await phone.command("hangup")
        messages = await colleague.over()
    assert "INVITE sip:colleague@127.0.0.1:5066" in messages
    assert (record.outcome, record.transfers[0].to) == ("transferred", "colleague")


async def test_a_refused_refer_leaves_the_caller_with_the_persona(calls: SipCalls) -> None:
    async with (
        calls.sipp("final", 5066, status="486 Busy Here") as colleague,
        greeted(calls, from_afar=True) as phone,
    ):
        await phone.press("*")
        await colleague.over()
        await phone.hears("My colleague does not answer.")
        await phone.command("hangup")
        record = await calls.record()
    assert record.outcome == "completed"


async def test_a_call_at_its_limit_is_ended_with_a_goodbye(calls: SipCalls) -> None:
    async with calls.caller("brief") as phone:
        await phone.hears("our time is up")
        await phone.until("CALL_CLOSED")
        record = await calls.record()
    assert (record.outcome, record.ended_by) == ("completed", "host")


async def test_a_softphone_that_is_killed_loses_its_call(calls: SipCalls) -> None:
    async with greeted(calls) as phone:
        await phone.program.kill()
        record = await calls.record(60)
    assert (record.outcome, record.ended_by) == ("completed", "livekit")
    assert "media_timeout" in record.reason


async def test_a_call_whose_process_is_killed_is_taken_over(calls: SipCalls) -> None:
    async with greeted(calls) as phone:
        (room,) = await calls.rooms()
        kill_its_process(calls.scene, room)
        await phone.hears("I am here again")
        await phone.press("7")
        await phone.hears("You pressed 7.")
        await phone.command("hangup")
        record = await calls.record()
    assert (record.outcome, record.taken_over) == ("completed", 1)


async def test_a_killed_livekit_sip_ends_the_call_with_a_record(calls: SipCalls) -> None:
    async with greeted(calls):
        await calls.world.bridge.kill()
        try:
            record = await calls.record(60)
        finally:
            await calls.world.bridge.start()
    assert record.outcome == "completed"


async def test_the_call_of_a_killed_host_is_hung_up(calls: SipCalls) -> None:
    # Last of all: this module has no host any more.
    async with greeted(calls) as phone:
        killed = time.time()
        os.kill(calls.scene.host.pid, signal.SIGKILL)
        await phone.until("CALL_CLOSED", 15)
        record = await calls.record()
    assert time.time() - killed < 15
    assert (record.outcome, record.reason) == ("failed", "the host process died")
