"""A session without a room, and who stands at its edges: a voice, a loudspeaker, a line."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal

import av
import numpy as np
from livekit import rtc
from livekit.agents import Agent, AgentSession, APIConnectionError, APIConnectOptions, tts
from livekit.agents.voice.io import AudioOutput, AudioOutputCapabilities
from numpy.typing import NDArray

from host.call.live import LiveCall
from host.call.state import CallState
from host.settings import PersonaSettings, Settings
from host.speech.recording import RATE, Recorder

Samples = NDArray[np.int16]


class Loudspeaker(AudioOutput):
    """Plays what it is given, in the time that it takes."""

    def __init__(self) -> None:
        pausing = AudioOutputCapabilities(pause=True)
        super().__init__(label="loudspeaker", capabilities=pausing, sample_rate=RATE)
        self._seconds = 0.0

    async def capture_frame(self, frame: rtc.AudioFrame) -> None:
        await super().capture_frame(frame)
        self._seconds += frame.duration

    def flush(self) -> None:
        super().flush()
        seconds, self._seconds = self._seconds, 0.0
        if seconds:
            asyncio.get_running_loop().call_later(seconds, self._played, seconds)

    def clear_buffer(self) -> None:
        pass

    def _played(self, seconds: float) -> None:
        self.on_playback_finished(playback_position=seconds, interrupted=False)


class Voice(tts.TTS[Any]):
    """Hums for 0.2 s whatever the text is, or fails."""

    def __init__(self, *, fails: bool = False) -> None:
        can = tts.TTSCapabilities(streaming=False)
        super().__init__(capabilities=can, sample_rate=RATE, num_channels=1)
        self.fails = fails

    def synthesize(
        self, text: str, *, conn_options: APIConnectOptions | None = None
    ) -> tts.ChunkedStream:
        once = APIConnectOptions(max_retry=0)
        return _Hum(tts=self, input_text=text, conn_options=once)


class _Hum(tts.ChunkedStream):
    async def _run(self, output_emitter: tts.AudioEmitter) -> None:
        assert isinstance(self._tts, Voice)
        if self._tts.fails:
            raise APIConnectionError("the voice is hoarse")
        output_emitter.initialize(
            request_id="hum", sample_rate=RATE, num_channels=1, mime_type="audio/pcm"
        )
        hum = 9000 * np.sin(2 * np.pi * 300 * np.arange(RATE // 5) / RATE)
        output_emitter.push(hum.astype(np.int16).tobytes())
        output_emitter.flush()


class Hooks(SimpleNamespace):
    """The answers of a call's hooks; nobody is told of its events."""

    def call_greeted(self, **facts: Any) -> list[Any]:
        return []


def both_sides(recording: Path | str) -> tuple[Samples, Samples]:
    """Read a recording: the far end and the persona, each at RATE."""
    resampler = av.AudioResampler(format="s16p", layout="stereo", rate=RATE)
    with av.open(str(recording)) as file:
        frames = [out for frame in file.decode(audio=0) for out in resampler.resample(frame)]
    left, right = np.concatenate([frame.to_ndarray() for frame in frames], axis=1)
    return left, right


async def in_real_time(wave: Samples) -> AsyncIterator[Any]:
    """Give 10 ms of sound every 10 ms, from a thread that no stall of the loop holds up."""
    loop, size = asyncio.get_running_loop(), RATE // 100
    frames: asyncio.Queue[rtc.AudioFrame | None] = asyncio.Queue()
    stopped = threading.Event()

    def play() -> None:
        began = time.perf_counter()
        for at in range(0, len(wave) - size, size):
            time.sleep(max(0, began + at / RATE - time.perf_counter()))
            if stopped.is_set():
                return
            frame = rtc.AudioFrame(wave[at : at + size].tobytes(), RATE, 1, size)
            loop.call_soon_threadsafe(frames.put_nowait, frame)
        loop.call_soon_threadsafe(frames.put_nowait, None)

    playing = threading.Thread(target=play, daemon=True)
    playing.start()
    try:
        while (frame := await frames.get()) is not None:
            yield SimpleNamespace(frame=frame)
    finally:
        stopped.set()
        playing.join()


@asynccontextmanager
async def recorded_call(
    folder: Path, *, fails: bool = False, greeting: Any = None, notice: str = "We record."
) -> AsyncIterator[LiveCall]:
    """A call that is to be recorded in a folder, on a line with nobody in the room."""
    settings = Settings(
        recordings_dir=folder,
        personas={"ann": PersonaSettings(record=True, recording_notice=notice)},
    )
    hooks = Hooks(greeting=lambda call: greeting)
    call = LiveCall(settings, CallState(id="AJ_1"), persona="ann", hooks=hooks)  # type: ignore[arg-type]
    line: Any = SimpleNamespace(room=rtc.EventEmitter[Literal["track_subscribed"]]())
    line.identity, line.participant = "caller", None
    async with AgentSession(tts=Voice(fails=fails)) as session:
        session.output.audio = Loudspeaker()
        await session.start(Agent(instructions=""))
        call.session, call.far_end = session, line
        call.recorder = Recorder(call)
        yield call
    await call.settle(1)
