"""The recording of one call: when it begins, what is in it, and what it may cost."""

from __future__ import annotations

import asyncio
import resource
import stat
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
from livekit import rtc
from livekit.agents import Agent
from livekit.agents.voice.recorder_io import RecorderIO
from studio import Loudspeaker, both_sides, in_real_time, recorded_call
from waiting import logged_by_the_host

from host.call.answers import Greeting
from host.local.speech import locate, speak
from host.speech.greeting import greet
from host.speech.recording import RATE, FarEnd, is_whole, new_file, part_of

GREETING = Greeting("Hello.", notice="We record.")


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_a_recording_begins_after_the_notice_and_gets_its_name_at_the_end(
    tmp_path: Path,
) -> None:
    async with recorded_call(tmp_path, greeting=GREETING) as call:
        assert call.recorder is not None
        assert call.session is not None
        await greet(call, Agent(instructions=""))
        (part,) = files_in(tmp_path)
        assert part.name == "AJ_1.ogg.part"
        assert call.state.recording is None
        await call.say("And so on.")
        await call.recorder.close()
        (file,) = files_in(tmp_path)
    assert call.state.recording == str(file)
    assert file.name == "AJ_1.ogg"
    left, right = both_sides(file)
    assert np.abs(left).max() < 100
    assert np.abs(right).max() > 5000


@pytest.mark.parametrize("greeting", [None, "Hello.", Greeting("Hello.", notice="Hear, hear.")])
async def test_a_call_whose_far_end_was_not_told_is_not_recorded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, greeting: object
) -> None:
    async with recorded_call(tmp_path, greeting=greeting or Greeting("Hello.")) as call:
        await greet(call, Agent(instructions=""))
        assert call.recorder is not None
        await call.recorder.close()
    assert call.state.recording is None
    assert not files_in(tmp_path)
    assert "not recorded: its recording_notice was not heard" in caplog.text


async def test_a_notice_that_the_voice_could_not_say_was_not_heard(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with recorded_call(tmp_path, greeting=GREETING, fails=True) as call:
        await greet(call, Agent(instructions=""))
        assert call.recorder is not None
        await call.recorder.close()
    assert not files_in(tmp_path)
    assert "not recorded: its recording_notice was not heard" in caplog.text


async def test_without_a_notice_in_host_toml_a_call_is_recorded_from_its_greeting_on(
    tmp_path: Path,
) -> None:
    async with recorded_call(tmp_path, greeting="Hello.", notice="") as call:
        await greet(call, Agent(instructions=""))
        assert call.recorder is not None
        await call.recorder.close()
    assert call.state.recording is not None


async def test_a_disk_that_is_full_costs_the_recording_and_one_line_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with recorded_call(tmp_path, greeting=GREETING) as call:
        await greet(call, Agent(instructions=""))
        assert call.recorder is not None
        await call.say("This is more than there is room for.")
        with no_file_longer_than(1000):
            await call.recorder.close()
    assert call.state.recording is None
    assert not files_in(tmp_path)
    ours = [record.message for record in logged_by_the_host(caplog)]
    assert ours == ["the call is not recorded: the recording was cut off and has been removed"]


async def test_a_folder_that_went_away_costs_the_recording_and_one_line_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with recorded_call(tmp_path / "here", greeting=GREETING) as call:
        await greet(call, Agent(instructions=""))
        await call.say("And so on.")
        (tmp_path / "here").rename(tmp_path / "there")
        assert call.recorder is not None
        await call.recorder.close()
    assert call.state.recording is None
    (line,) = [record.message for record in logged_by_the_host(caplog)]
    assert line.startswith("the call is not recorded: [Errno 2]")


def test_a_recording_is_for_its_owners_eyes_and_stays_in_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    file = new_file(folder, "../../etc/AJ 1")
    assert file.parent.parent == folder
    assert file.name == "______etc_AJ_1.ogg"
    assert stat.S_IMODE(part_of(file).stat().st_mode) == 0o600
    assert {stat.S_IMODE(each.stat().st_mode) for each in (folder, file.parent)} == {0o700}
    assert not file.exists()


def test_a_recording_is_never_written_over_another(tmp_path: Path) -> None:
    new_file(tmp_path, "AJ_1")
    with pytest.raises(FileExistsError):
        new_file(tmp_path, "AJ_1")


def test_a_file_that_was_cut_off_is_not_whole(tmp_path: Path) -> None:
    file = tmp_path / "call.ogg"
    noise = np.random.default_rng(1).normal(0, 0.1, (RATE, 2))
    soundfile.write(file, noise, RATE, format="OGG", subtype="OPUS")
    assert is_whole(file)
    written = file.read_bytes()
    for size in (len(written) - 1, len(written) // 2, 20, 0):
        file.write_bytes(written[:size])
        assert not is_whole(file)


@pytest.mark.processes
async def test_a_stall_of_ours_tears_no_hole_into_what_the_far_end_says(tmp_path: Path) -> None:
    text = "Please tell me what day it is."
    wave = np.concatenate([await speak(text, RATE), np.zeros(RATE // 2, np.int16)])
    recorder, far_end = RecorderIO(agent_session=None, sample_rate=RATE), FarEnd()  # type: ignore[arg-type]
    left = recorder.record_input(far_end)
    recorder.record_output(Loudspeaker())
    await recorder.start(output_path=tmp_path / "call.ogg")
    listening = asyncio.create_task(_drain(left))
    following = asyncio.create_task(far_end.follow(in_real_time(wave)))
    while not following.done():
        await asyncio.wait({following}, timeout=0.4)
        time.sleep(0.3)  # noqa: ASYNC251 - the stall
    listening.cancel()
    await asyncio.wait({listening})
    await recorder.aclose()
    heard, _ = both_sides(tmp_path / "call.ogg")
    (found,) = locate(heard, RATE, text)
    assert found.whole


@contextmanager
def no_file_longer_than(size: int) -> Iterator[None]:
    """Let the system refuse to make any file longer than so many bytes, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def _drain(pieces: AsyncIterator[rtc.AudioFrame]) -> None:
    async for _ in pieces:
        pass


@pytest.mark.parametrize(("written", "left"), [(b"OggS", {"AJ_1.ogg"}), (b"", set())])
async def test_a_takeover_goes_on_in_another_file_and_keeps_what_was_written(
    tmp_path: Path, written: bytes, left: set[str]
) -> None:
    async with recorded_call(tmp_path, greeting=GREETING) as call:
        assert call.recorder is not None
        before = new_file(tmp_path / "recordings", "AJ_1")
        part_of(before).write_bytes(written)
        call.state.recordings.append(str(before))
        await call.recorder.resume()
        names = {file.name for file in files_in(tmp_path)}
        assert names == left | {"AJ_1.2.ogg.part"}
        assert call.state.recording == (str(before) if left else None)
        await call.say("And so on.")
        await call.recorder.close()
    assert str(call.state.recording).endswith("AJ_1.2.ogg")


async def test_a_takeover_deletes_what_the_process_died_before_deleting(tmp_path: Path) -> None:
    async with recorded_call(tmp_path, greeting=GREETING) as call:
        assert call.recorder is not None
        await call.unrecorded.stop(discard=True)
        before = new_file(tmp_path / "recordings", "AJ_1")
        part_of(before).write_bytes(b"OggS")
        call.state.recordings.append(str(before))
        await call.recorder.resume()
        assert not files_in(tmp_path)
        assert (call.state.recordings, call.state.recording) == ([], None)


async def test_after_a_takeover_what_was_recorded_can_be_deleted_whoever_has_the_call(
    tmp_path: Path,
) -> None:
    """The call was handed over to a persona that does not record, before its process died."""
    async with recorded_call(tmp_path, greeting=GREETING) as call:
        assert call.recorder is not None
        before = new_file(tmp_path / "recordings", "AJ_1")
        before.write_bytes(b"OggS")
        call.state.recordings.append(str(before))
        call.state.begin_share("ann")
        call.state.begin_share("bob")
        await call.recorder.resume()
        assert files_in(tmp_path) == [before]
        await call.unrecorded.stop(discard=True)
        assert not files_in(tmp_path)
