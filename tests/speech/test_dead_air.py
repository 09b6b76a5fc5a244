"""Dead air: until when a voice sounds, and who owes the far end a word since when."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from livekit import rtc
from livekit.agents import (
    AgentSession,
    APIError,
    ErrorEvent,
    FunctionCall,
    SpeechCreatedEvent,
    ToolExecutionUpdatedEvent,
    UserInputTranscribedEvent,
    UserStateChangedEvent,
    llm,
    tts,
)
from livekit.agents.voice import SpeechHandle
from livekit.agents.voice.events import ToolCallEnded, ToolCallStarted
from livekit.agents.voice.io import AudioOutput, AudioOutputCapabilities

from host.speech.dead_air.pending_reply import LEFT, WORDS, PendingReply
from host.speech.dead_air.playout import PlayoutMonitor


class Sink(AudioOutput):
    """The end of the chain: takes frames, as a room does."""

    def __init__(self) -> None:
        super().__init__(label="sink", capabilities=AudioOutputCapabilities(pause=True))
        self.taken = 0.0

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        self.taken += frame.duration

    def flush(self) -> None:
        super().flush()

    def clear_buffer(self) -> None:
        pass


def a_frame(seconds: float = 0.2) -> rtc.AudioFrame:
    return rtc.AudioFrame.create(24000, 1, round(24000 * seconds))


class Clock:
    """The loop's clock and that on the wall, which stand still where no test moves them."""

    def __init__(self) -> None:
        self._loops, self._walls = asyncio.get_running_loop().time(), time.time()

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self._loops += seconds
        self._walls += seconds

    def of_the_loop(self) -> float:
        return self._loops

    def on_the_wall(self) -> float:
        return self._walls


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(asyncio.get_running_loop(), "time", clock.of_the_loop)
    monkeypatch.setattr(time, "time", clock.on_the_wall)
    return clock


@pytest.fixture
async def sink() -> Sink:
    return Sink()


class Floor:
    """Which speech has the word."""

    speech: SpeechHandle | None = None


@pytest.fixture
async def floor() -> Floor:
    return Floor()


@pytest.fixture
async def voice(sink: Sink, floor: Floor, clock: Clock) -> PlayoutMonitor:
    return PlayoutMonitor(sink, lambda: floor.speech)


async def test_a_voice_sounds_until_its_last_sample_is_out(
    voice: PlayoutMonitor, clock: Clock
) -> None:
    assert not voice.sounds
    await voice.capture_frame(a_frame())
    await voice.capture_frame(a_frame())
    voice.flush()
    assert voice.until - clock.of_the_loop() == pytest.approx(0.4)
    clock.forward(0.39)
    assert voice.sounds
    clock.forward(0.02)
    assert not voice.sounds


async def test_a_voice_that_is_broken_off_sounds_no_more(voice: PlayoutMonitor) -> None:
    await voice.capture_frame(a_frame(5))
    voice.clear_buffer()
    assert not voice.sounds


async def test_a_voice_that_was_paused_sounds_as_much_longer(
    voice: PlayoutMonitor, clock: Clock
) -> None:
    await voice.capture_frame(a_frame(5))
    until = voice.until
    voice.pause()
    assert not voice.sounds
    clock.forward(0.1)
    voice.resume()
    assert voice.sounds
    assert voice.until - until == pytest.approx(0.1)


async def test_a_voice_waits_while_something_else_is_said(
    voice: PlayoutMonitor, sink: Sink
) -> None:
    voice.hold()
    speaking = asyncio.create_task(voice.capture_frame(a_frame()))
    await asyncio.sleep(0)  # it is at the door
    assert sink.taken == 0
    voice.release()
    await asyncio.wait_for(speaking, 1)
    assert sink.taken == pytest.approx(0.2)


@pytest.fixture
async def session() -> AgentSession[Any]:
    return AgentSession(vad=None, turn_handling={"turn_detection": "manual"})


@pytest.fixture
async def debt(session: AgentSession[Any], voice: PlayoutMonitor) -> PendingReply:
    session._update_agent_state("listening")
    return PendingReply(session, voice)


def says(session: AgentSession[Any], words: str | None, seconds: float = WORDS + 1) -> None:
    """The far end has said something for so many seconds, up to now."""
    now = time.time()
    began = UserStateChangedEvent(old_state="listening", new_state="speaking")
    ended = UserStateChangedEvent(old_state="speaking", new_state="listening")
    began.created_at, ended.created_at = now - seconds, now
    session.emit("user_state_changed", began)
    if words:
        heard = UserInputTranscribedEvent(transcript=words, is_final=True)
        session.emit("user_input_transcribed", heard)
    session.emit("user_state_changed", ended)


async def test_nobody_waits_where_nothing_was_said(debt: PendingReply) -> None:
    assert debt.age() == (0, 0)


async def test_what_was_said_and_not_understood_is_owed_by_the_stt(
    session: AgentSession[Any], debt: PendingReply, clock: Clock
) -> None:
    says(session, None)
    assert debt.age() == (0, 0)
    assert debt.blocked_on == "stt"
    clock.forward(0.2)
    assert debt.age() == pytest.approx((0.2, 0.2))


async def test_a_cough_needs_no_word(session: AgentSession[Any], debt: PendingReply) -> None:
    says(session, None, WORDS / 2)
    assert debt.age() == (0, 0)


@pytest.mark.parametrize(
    ("returned", "unclear"), [(-3.0, False), (-0.5, True), (0.3, True)], ids=str
)
async def test_what_the_stt_has_processed_without_a_word_is_unclear(
    session: AgentSession[Any],
    voice: PlayoutMonitor,
    clock: Clock,
    returned: float,
    unclear: bool,
) -> None:
    session._update_agent_state("listening")
    at = clock.of_the_loop() + returned
    debt = PendingReply(session, voice, last_result=lambda: at)
    says(session, None, 2.0)
    clock.forward(0.5)
    assert debt.unclear is unclear
    says(session, "Hello")
    assert not debt.unclear


async def test_a_transcript_that_comes_late_pays_the_debt(
    session: AgentSession[Any], debt: PendingReply
) -> None:
    says(session, None)
    session.emit(
        "user_input_transcribed", UserInputTranscribedEvent(transcript="Hi", is_final=True)
    )
    assert debt.age() == (0, 0)
    assert debt.ever_heard


async def test_a_reply_that_a_voice_could_not_bring_is_owed_until_it_sounds_again(
    session: AgentSession[Any], debt: PendingReply, voice: PlayoutMonitor, clock: Clock
) -> None:
    error = tts.TTSError(timestamp=0, label="voice", error=APIError("gone"), recoverable=False)
    session.emit("error", ErrorEvent(error=error, source=None))
    assert debt.blocked_on == "tts"
    assert debt.lost
    assert "gone" in debt.lost.error
    debt.settle()
    assert debt.lost, "what was made before the failure is no answer"
    debt.lost.again = clock.of_the_loop()
    clock.forward(0.01)
    await voice.capture_frame(a_frame())
    debt.settle()
    assert debt.lost is None


def begins(session: AgentSession[Any]) -> SpeechHandle:
    """The model is asked for a reply."""
    speech = SpeechHandle.create()
    created = SpeechCreatedEvent(speech_handle=speech, user_initiated=True, source="generate_reply")
    session.emit("speech_created", created)
    return speech


async def test_what_was_made_of_a_reply_before_it_was_lost_is_no_answer_however_late_it_comes(
    session: AgentSession[Any],
    debt: PendingReply,
    voice: PlayoutMonitor,
    floor: Floor,
    clock: Clock,
) -> None:
    floor.speech = begins(session)
    error = llm.LLMError(timestamp=0, label="model", error=APIError("cut"), recoverable=False)
    session.emit("error", ErrorEvent(error=error, source=None))
    clock.forward(0.5)
    await voice.capture_frame(a_frame())
    debt.settle()
    assert debt.lost
    floor.speech = begins(session)
    await voice.capture_frame(a_frame())
    debt.settle()
    assert debt.lost is None


async def test_a_tool_that_runs_owes_the_word(
    session: AgentSession[Any], debt: PendingReply
) -> None:
    use = FunctionCall(call_id="1", name="look", arguments="{}")
    session._update_agent_state("thinking")
    started = ToolCallStarted(function_call=use)
    session.emit("tool_execution_updated", ToolExecutionUpdatedEvent(update=started))
    assert debt.age()[0] >= 0
    assert debt.blocked_on == "tool"
    ended = ToolCallEnded(id="1", call_id="1", status="done")
    session.emit("tool_execution_updated", ToolExecutionUpdatedEvent(update=ended))
    assert debt.blocked_on == "llm"


async def test_a_tool_beside_the_conversation_is_waited_for_without_an_early_filler(
    session: AgentSession[Any], voice: PlayoutMonitor, clock: Clock
) -> None:
    runs = True
    session._update_agent_state("listening")
    debt = PendingReply(session, voice, lambda: runs)
    debt.age()
    clock.forward(5)
    waited, politely = debt.age()
    assert waited == pytest.approx(5)
    assert politely == 0
    runs = False
    assert debt.age() == (0, 0)


async def test_a_word_of_the_hosts_own_begins_the_count_anew(
    session: AgentSession[Any], debt: PendingReply, clock: Clock
) -> None:
    says(session, None)
    debt.age()
    clock.forward(0.4)
    debt.restart_timer()
    assert debt.age()[0] == pytest.approx(LEFT)
