"""Silence in a recording: the time goes on, and nothing of it is heard."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
from livekit import rtc
from livekit.agents import Agent
from livekit.agents.voice.recorder_io.recorder_io import _Captured, _Flush
from numpy.typing import NDArray
from studio import Loudspeaker, Samples, both_sides, in_real_time, recorded_call
from waiting import logged_by_the_host, meanwhile

from host.call.answers import Greeting
from host.call.live import LiveCall
from host.speech.greeting import greet
from host.speech.recording import RATE, FarEnd, Recorder, part_of
from host.speech.silenced import SilencedRecorder, silenced

GREETING = Greeting("Hello.", notice="We record.")
INFINITY = float("inf")


def a_frame(seconds: float, channels: int = 1) -> rtc.AudioFrame:
    length = round(seconds * RATE)
    ones = np.full(length * channels, 9000, np.int16)
    return rtc.AudioFrame(ones.tobytes(), RATE, channels, length)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize(
    ("spans", "heard"),
    [
        ([], [(0, 1)]),
        ([(0, 5), (20, INFINITY)], [(0, 1)]),
        ([(0, INFINITY)], []),
        ([(10.25, 10.5)], [(0, 0.25), (0.5, 1)]),
        ([(9, 10.25), (10.75, INFINITY)], [(0.25, 0.75)]),
        ([(10.75, 10.75)], [(0, 1)]),
    ],
)
def test_a_frame_is_silent_in_a_pause_and_as_long_as_before(
    channels: int, spans: list[tuple[float, float]], heard: list[tuple[float, float]]
) -> None:
    frame = silenced(a_frame(1, channels), 10.0, spans)
    assert (frame.sample_rate, frame.num_channels) == (RATE, channels)
    assert frame.samples_per_channel == RATE
    loud = np.zeros((RATE, channels), bool)
    for begin, end in heard:
        loud[round(begin * RATE) : round(end * RATE)] = True
    assert ((np.frombuffer(frame.data, np.int16).reshape(-1, channels) != 0) == loud).all()


@asynccontextmanager
async def a_caller_who_hums(call: LiveCall) -> AsyncIterator[None]:
    """Let the far end hum into a recording, in real time."""
    assert isinstance(call.recorder, Recorder)
    wave = np.full(60 * RATE, 9000, np.int16) * np.sin(np.arange(60 * RATE) / 13)
    async with meanwhile(call.recorder._far_end.follow(in_real_time(wave.astype(np.int16)))):
        yield


def loud(side: Samples) -> NDArray[np.bool_]:
    """Say for each tenth of a second whether anything is heard: Opus rings a little."""
    size = RATE // 10
    tenths = side[: len(side) // size * size].reshape(-1, size)
    return np.asarray(np.abs(tenths.astype(int)).max(axis=1) > 300)


@pytest.mark.processes
async def test_a_paused_recording_is_silent_on_both_sides_and_loses_no_time(
    tmp_path: Path,
) -> None:
    async with recorded_call(tmp_path, greeting=GREETING) as call:
        assert call.recorder is not None
        await greet(call, Agent(instructions=""))
        async with a_caller_who_hums(call):
            began = time.monotonic()
            await call.say("Before.")
            async with call.call.unrecorded():
                paused = time.monotonic()
                await call.say("Now the number of your card.")
                await asyncio.sleep(0.8)
            resumed = time.monotonic()
            await call.say("After.")
            await asyncio.sleep(0.3)
            ended = time.monotonic()
        await call.recorder.close()
    assert call.state.recording is not None
    left, right = both_sides(call.state.recording)
    heard = np.flatnonzero(loud(left))
    slack = 1.0  # a busy machine delays what is recorded: its place is when it arrives
    assert (heard[-1] - heard[0]) / 10 == pytest.approx(ended - began, abs=slack)
    begins, ends = max(zip(heard, heard[1:], strict=False), key=lambda hole: hole[1] - hole[0])
    assert (ends - begins) / 10 == pytest.approx(resumed - paused, abs=slack)
    assert (ends - begins) / 10 > 0.7
    assert not loud(right)[begins + 2 : ends - 1].any()
    assert loud(right)[: begins + 1].any()
    assert loud(right)[ends:].any()


async def test_a_pause_is_silence_to_the_sample_and_what_follows_keeps_its_place(
    tmp_path: Path,
) -> None:
    spans: list[tuple[float, float]] = []
    recorder = SilencedRecorder(spans=lambda: spans, agent_session=None, sample_rate=RATE)
    recorder.record_input(FarEnd())
    recorder.record_output(Loudspeaker())
    await recorder.start(output_path=tmp_path / "call.ogg")
    began = recorder.recording_started_at
    assert began is not None
    spans.append((began + 1, began + 2))
    wave = (9000 * np.sin(np.arange(3 * RATE) / 13)).astype(np.int16)
    for channel, size in ((0, RATE // 50), (1, 3 * RATE)):  # frames of 20 ms, and one of all
        for at in range(0, 3 * RATE, size):
            frame = rtc.AudioFrame(wave[at : at + size].tobytes(), RATE, 1, size)
            recorder._put(_Captured(channel, began + at / RATE, frame))
    recorder._put(_Flush(until=began + 3))
    await recorder.aclose()
    for side in both_sides(tmp_path / "call.ogg"):
        edge = RATE // 50  # Opus rings for so long
        for begin, end, heard in ((0, 1, True), (1, 2, False), (2, 3, True)):
            part = side[begin * RATE + edge : end * RATE - edge].astype(float)
            power = np.sqrt(np.mean(part**2))
            assert power > 5000 if heard else power < 5


async def test_a_stopped_recording_is_whole_and_the_call_goes_on_without_it(
    tmp_path: Path,
) -> None:
    async with recorded_call(tmp_path, greeting=GREETING) as call:
        assert call.recorder is not None
        await greet(call, Agent(instructions=""))
        await call.say("Before.")
        await call.call.stop_recording()
        assert call.state.recording is not None
        stopped = Path(call.state.recording).read_bytes()
        await call.say("After.")
        await call.recorder.close()
    assert Path(call.state.recording).read_bytes() == stopped
    _, right = both_sides(call.state.recording)
    assert np.abs(right).max() > 5000


async def test_a_recording_may_be_refused_before_it_begins(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with recorded_call(tmp_path, greeting=GREETING) as call:
        assert call.recorder is not None
        await call.call.stop_recording()
        await greet(call, Agent(instructions=""))
        await call.recorder.close()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert call.state.recording is None
    assert not logged_by_the_host(caplog)


@pytest.mark.parametrize("stopped_before", [False, True])
async def test_what_was_recorded_may_be_deleted_with_the_part_from_before_a_takeover(
    tmp_path: Path, stopped_before: bool
) -> None:
    async with recorded_call(tmp_path, greeting=GREETING) as call:
        assert call.recorder is not None
        earlier = tmp_path / "2026-11-29" / "AJ_1.ogg"
        earlier.parent.mkdir()
        part_of(earlier).write_bytes(b"what the dead process has written")
        call.state.recordings = [str(earlier)]
        await call.recorder.resume()
        assert earlier.exists()
        await call.say("Before.")
        if stopped_before:
            await call.call.stop_recording()
        await call.call.stop_recording(discard=True)
        assert not [path for path in tmp_path.rglob("*") if path.is_file()]
        await call.say("After.")
        await call.recorder.close()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert (call.state.recording, call.state.recordings) == (None, [])


async def test_a_call_that_is_taken_over_after_the_end_of_its_recording_is_not_recorded(
    tmp_path: Path,
) -> None:
    async with recorded_call(tmp_path, greeting=GREETING) as call:
        earlier = tmp_path / "2026-11-29" / "AJ_1.ogg"
        earlier.parent.mkdir()
        part_of(earlier).write_bytes(b"what the dead process has written")
        call.state.recordings = [str(earlier)]
        await call.call.stop_recording()
        assert isinstance(call.recorder, Recorder)
        recorder = Recorder(call)
        await recorder.resume()
        await call.say("After.")
        await recorder.close()
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [earlier]
    assert call.state.recording == str(earlier)


async def test_a_file_that_can_not_be_deleted_is_told_and_stays_in_the_record(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with recorded_call(tmp_path, greeting=GREETING) as call:
        in_the_way = tmp_path / "AJ_1.ogg"
        in_the_way.mkdir()
        call.state.recordings = [str(in_the_way)]
        await call.call.stop_recording(discard=True)
    assert "can't delete the recording" in caplog.text
    assert call.state.recording == str(in_the_way)
