"""An operator takes a call over from the console, talks with the far end, and hands it back."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import numpy as np
import pytest
from at_the_console import agent_in, in_the_room, signed_in
from in_memory.sdk import source_of
from in_memory.sound import speak
from in_memory.world import MemoryScene
from livekit import api, rtc
from scene import checkpoints_of, kill_its_process
from test_listening_in import greeted

from host.call.live import LiveCall
from host.local.exchange.pulse import Pulse
from host.local.phone import Line, PhoneCall
from host.records.outcome import Outcome
from host.records.record import CallRecord
from host.records.timeline import story
from host.speech.stepping_out import KNOWN
from host.testing import heard_once, not_heard

pytestmark = [
    pytest.mark.memory("test_console_in_a_browser.py takes a call over in a real browser"),
    pytest.mark.usefixtures("threads_that_the_clock_waits_for"),
]
RATE = 48000
HELLO = "Here is a person. I can help you."


@dataclass
class Operator:
    """A person at the console, with a microphone in a call's room."""

    room: rtc.Room
    source: rtc.AudioSource = field(default_factory=lambda: rtc.AudioSource(RATE, 1, 100_000))

    async def comes(self) -> None:
        """Publish the microphone, and wait until the persona has stepped out."""
        track = rtc.LocalAudioTrack.create_audio_track("microphone", self.source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        await self.room.local_participant.publish_track(track, options)
        await self.until(self.room.local_participant.identity)

    async def until(self, talking: str) -> None:
        """Wait until the call's agent says that this operator talks; empty: nobody."""
        await agent_in(self.room)
        changed = Pulse()
        self.room.on("participant_attributes_changed", lambda *facts: changed.beat())
        await changed.until(lambda: talking == self._talking(), 40, f"{talking!r} to talk")

    async def says(self, text: str) -> None:
        """Say something, and be silent for a second."""
        words = speak(text, RATE)
        samples = np.concatenate([words, np.zeros(RATE, np.int16)])
        await self.source.capture_frame(rtc.AudioFrame(samples.tobytes(), RATE, 1, samples.size))
        await asyncio.sleep(samples.size / RATE)

    def _talking(self) -> str:
        facts = [who.attributes for who in self.room.remote_participants.values()]
        return next((each.get("host.operator", "") for each in facts if "host.call" in each), "")


@contextlib.asynccontextmanager
async def taking_over(scene: MemoryScene, live: LiveCall) -> AsyncIterator[Operator]:
    """Take a call over; hand it back at the end."""
    async with (
        signed_in(scene) as browser,
        in_the_room(browser, f"/live/{live.state.id}/takeover") as room,
    ):
        operator = Operator(room)
        await operator.comes()
        yield operator


def said(record: CallRecord) -> list[tuple[str, str]]:
    return [(line.who, line.text) for line in record.transcript]


async def test_an_operator_talks_in_the_personas_place_and_hands_the_call_back(
    scene: MemoryScene,
) -> None:
    alone = asyncio.Event()

    async def asks(line: Line) -> None:
        await line.heard("I can help you")
        await line.say("What day is it?")
        await line.wait(30)  # of silence, which no limit ends
        alone.set()
        await line.sound()
        await line.wait(3)
        await line.say("Who is it?")
        await line.heard("it is only a test")
        await line.hang_up()

    call = await scene.ring("desk", asks)
    live = await greeted(scene, call)
    async with taking_over(scene, live) as operator:
        await operator.says(HELLO)
        await alone.wait()
        assert live.state.operators[-1].until is None
    record = await scene.over(call)
    heard_once(call, HELLO)
    answered = heard_once(call, "Today is Monday.")  # the operator did not say it
    assert answered.start > 36
    not_heard(call, "Are you still there?")
    heard_once(call, "It is only a test.")
    (talk,) = record.operators
    assert talk.until is not None
    assert talk.ended == "handed back"
    assert 30 < (talk.until - talk.since).total_seconds() < 45
    assert ("operator", HELLO) in said(record)
    assert ("caller", "What day is it?") in said(record)
    told = [(event.who, event.text) for event in story(record)]
    assert ("operator", "takes the call over") in told
    assert ("operator", "hands it back, to the persona") in told
    asked = str(scene.world.llm.requests)
    assert KNOWN in asked
    assert f"[colleague] {HELLO}" in asked
    assert (record.outcome, record.ended_by) == (Outcome.COMPLETED, "far end")


async def test_the_persona_breaks_off_what_it_says(scene: MemoryScene) -> None:
    async def wants_a_story(line: Line) -> None:
        await line.heard("what can I do for you")
        await line.say("Tell me a long story.")
        await line.stay()

    call = await scene.ring("desk", wants_a_story)
    await call.pulse.until(lambda: "king" in str(call.heard), 40, "the story")
    live = await greeted(scene, call)
    async with taking_over(scene, live) as operator:
        await operator.says(HELLO)
        heard_once(call, HELLO)
        assert live.session
        assert live.session.agent_state != "speaking"
        await call.hang_up()
        record = await scene.over(call)  # the far end hangs up meanwhile
    assert (record.outcome, record.reason) == (Outcome.COMPLETED, "the caller hung up")
    assert record.operators[0].until == record.ended_at
    assert record.operators[0].ended is None


async def test_an_operator_whose_browser_is_gone_loses_the_call_to_the_persona(
    scene: MemoryScene,
) -> None:
    call = await scene.ring("desk", Line.stay)
    live = await greeted(scene, call)
    async with taking_over(scene, live) as operator:
        source_of(operator.source).flow(False)  # its packets stop, and LiveKit notices nothing yet
        before = asyncio.get_running_loop().time()
        async with asyncio.timeout(20):
            while live.state.operators[-1].until is None:
                await asyncio.sleep(0.1)
        assert 3 < asyncio.get_running_loop().time() - before < 8
        async with asyncio.timeout(10):
            while operator.room.isconnected():  # or they would be heard when they are back
                await asyncio.sleep(0.1)
    await call.hang_up()
    record = await scene.over(call)
    assert record.operators[0].ended == "lost"


async def test_one_operator_at_a_time_and_none_before_the_greeting(scene: MemoryScene) -> None:
    call = await scene.ring("desk", Line.stay)
    live = await greeted(scene, call)
    async with taking_over(scene, live), signed_in(scene) as browser:
        answer = await browser.post(f"/live/{live.state.id}/takeover")
        assert answer.status_code == 409
        assert answer.json()["fault"] == "an operator takes the call over already"
    await call.hang_up()
    await scene.over(call)


async def test_who_takes_over_and_does_not_come_changes_nothing(scene: MemoryScene) -> None:
    async def asks(line: Line) -> None:
        await line.heard("what can I do for you")
        await line.wait(3)
        await line.say("What day is it?")
        await line.heard("today is monday")
        await line.hang_up()

    call = await scene.ring("desk", asks)
    live = await greeted(scene, call)
    async with signed_in(scene) as browser:
        async with in_the_room(browser, f"/live/{live.state.id}/takeover"):
            pass  # without a microphone, and gone at once
        record = await scene.over(call)
    heard_once(call, "Today is Monday.")
    assert record.operators == []


async def test_who_comes_too_late_is_not_heard_beside_the_persona(scene: MemoryScene) -> None:
    call = await scene.ring("steady", Line.stay)
    live = await greeted(scene, call)
    async with signed_in(scene) as browser:
        told = (await browser.post(f"/live/{live.state.id}/takeover")).json()
        await asyncio.sleep(25)
        room, out = rtc.Room(), asyncio.Event()
        room.on("disconnected", lambda reason: out.set())
        await room.connect(told["url"], told["token"])
        async with asyncio.timeout(5):
            await out.wait()
    await call.hang_up()
    assert (await scene.over(call)).operators == []


async def test_an_order_that_is_not_signed_is_ignored(scene: MemoryScene) -> None:
    call = await scene.ring("desk", Line.stay)
    live = await greeted(scene, call)
    async with scene.livekit() as livekit:
        forged = f'{"0" * 64} {{"call": "{live.state.id}", "identity": "operator-1"}}'
        request = api.UpdateParticipantRequest(
            room=call.room, identity=live.state.agent, attributes={"host.takeover": forged}
        )
        await livekit.room.update_participant(request)
    await asyncio.sleep(2)
    assert live.far_end
    assert live.far_end.room.local_participant.attributes["host.takeover"] == forged
    assert live.state.operators == []
    await call.hang_up()
    await scene.over(call)


async def hears_that_it_goes_on(line: Line) -> None:
    await line.heard("I can help you")
    await line.heard("please go on", 60)
    await line.say("What day is it?")
    await line.heard("today is monday")
    await line.hang_up()


async def kill_once_it_is_saved(scene: MemoryScene, call: PhoneCall, text: str) -> None:
    """Kill the call's process as soon as a checkpoint tells of something."""

    def saved() -> bool:
        return text in str(checkpoints_of(scene, call.room))

    await call.pulse.until(saved, 20, f"a checkpoint with {text!r}")
    kill_its_process(scene, call.room)


def goes_on_with_their_words(scene: MemoryScene, record: CallRecord, ended: str) -> None:
    """Assert that another process has had the call, and knows what the operator said."""
    assert (record.outcome, record.taken_over) == (Outcome.COMPLETED, 1)
    (talk,) = record.operators
    assert talk.ended == ended
    asked = scene.world.llm.requests[-1]["messages"]
    assert f"[colleague] {HELLO}" in [message["content"] for message in asked]


async def test_a_process_that_dies_after_an_operators_talk_leaves_their_words_to_the_next(
    scene: MemoryScene,
) -> None:
    call = await scene.ring("desk", hears_that_it_goes_on)
    async with taking_over(scene, await greeted(scene, call)) as operator:
        await operator.says(HELLO)
    await kill_once_it_is_saved(scene, call, "handed back")
    goes_on_with_their_words(scene, await scene.over(call), "handed back")


async def test_a_process_that_dies_in_an_operators_talk_gives_the_call_to_the_persona(
    scene: MemoryScene,
) -> None:
    call = await scene.ring("desk", hears_that_it_goes_on)
    async with taking_over(scene, await greeted(scene, call)) as operator:
        left: list[object] = []
        operator.room.on("disconnected", left.append)
        await operator.says(HELLO)
        await kill_once_it_is_saved(scene, call, HELLO)
        record = await scene.over(call)
        # Not with the room: they would be heard beside the persona until then.
        assert left == [rtc.DisconnectReason.PARTICIPANT_REMOVED]
    goes_on_with_their_words(scene, record, "lost")
    heard_once(call, HELLO)
