"""Records a call: the far end on the left, the persona on the right.

LiveKit's own recorder writes the file. `AgentSession.start(record=True)` would begin before the
notice is heard, and end with the session instead of the call: so we begin it, and end it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterable
from pathlib import Path

from livekit import rtc
from livekit.agents.voice.io import AudioInput

# Not among the names that livekit.agents offers at its top, but LiveKit documents no other way to
# record a session to a file of one's own choosing (1.8.9).
from livekit.agents.voice.recorder_io import RecorderIO

from host.base.clock import now
from host.base.tasks import Tasks
from host.call.live import LINGER, LiveCall
from host.privacy import private_folder

log = logging.getLogger("host")

RATE = 24000
"""Samples a second: what a session speaks at, and all that a telephone has."""
WRITING_LIMIT = 5.0
"""Seconds that the last of a recording may take to be written, once the call is over."""
_PAGE_HEADER, _LAST_PAGE = 27, 4
"""Bytes of an Ogg page before the sizes of its segments, and the flag of a stream's last page
(RFC 3533, section 6)."""


class Recorder:
    """Records one call, once it is told to begin. A call is never lost over it."""

    def __init__(self, call: LiveCall) -> None:
        """Stand between the persona and its voice, before anything is said."""
        assert call.session is not None
        assert call.far_end is not None
        self._call, self._room = call, call.far_end.room
        self._recorder = RecorderIO(agent_session=call.session, sample_rate=RATE)
        self._far_end = FarEnd()
        self._left = self._recorder.record_input(self._far_end)
        voice = call.session.output.audio
        assert voice is not None
        call.session.output.audio = self._recorder.record_output(voice)
        self._listening = Tasks()
        self._file: Path | None = None
        self._closing: asyncio.Task[None] | None = None

    async def begin(self, heard: str) -> None:
        """Record from now on, if `heard`, the notice as the far end heard it, says so."""
        call = self._call
        if call.persona_settings.recording_notice not in heard:
            log.warning("the call is not recorded: its recording_notice was not heard")
            return
        await asyncio.sleep(LINGER)  # the end of the notice is still on its way
        await self._record()

    async def resume(self) -> None:
        """Go on where a process died that recorded the call, in another file.

        The far end has heard the notice. What was recorded before stays as far as it was written:
        all but the last 256 KiB, some 40 seconds, which FFmpeg keeps back (libavformat 62).
        """
        call = self._call
        before = Path(call.state.recordings[-1])
        with contextlib.suppress(OSError):  # its disk is gone
            if part_of(before).stat().st_size:
                part_of(before).rename(before)
                call.state.recording = str(before)
            else:
                part_of(before).unlink()
        await self._record()

    async def _record(self) -> None:
        call = self._call
        try:
            self._file = new_file(
                call.settings.recordings_dir, call.state.id, len(call.state.recordings) + 1
            )
        except OSError as error:
            log.error("the call is not recorded: %s", error)
            return
        call.state.recordings.append(str(self._file))
        await self._recorder.start(output_path=part_of(self._file))
        self._listening.start(self._keep(), "recording the far end")
        self._room.on("track_subscribed", self._on_track)
        if call.far_end and (participant := call.far_end.participant):
            for publication in participant.track_publications.values():
                if publication.track:
                    self._on_track(publication.track, publication, participant)

    async def close(self) -> None:
        """Complete the file and name it for the record; one that broke off is removed."""
        if self._file is None:
            return
        if self._closing is None:
            self._closing = asyncio.create_task(self._complete(self._file))
        await asyncio.shield(self._closing)

    async def _complete(self, file: Path) -> None:
        self._room.off("track_subscribed", self._on_track)
        await self._listening.stop(1.0)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._recorder.aclose(), WRITING_LIMIT)
        part = part_of(file)
        try:
            if is_whole(part):
                self._call.state.recording = str(part.rename(file))
                return
            part.unlink()
            problem: object = "the recording was cut off and has been removed"
        except OSError as error:
            problem = error
        log.error("the call is not recorded: %s", problem)

    async def _keep(self) -> None:
        """Let the recorder hear each piece as it passes, until a colleague has the call."""
        async for _ in self._left:
            if self._call.state.connected:  # the colleague has heard no notice
                self._call.spawn(self.close(), "closing the recording")
                return

    def _on_track(
        self,
        track: rtc.Track,
        publication: rtc.RemoteTrackPublication,
        participant: rtc.RemoteParticipant,
    ) -> None:
        voice = publication.source == rtc.TrackSource.SOURCE_MICROPHONE
        if voice and self._call.far_end and participant.identity == self._call.far_end.identity:
            self._listening.start(self._listen(track), "listening to the far end")

    async def _listen(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1)
        try:
            await self._far_end.follow(stream)
        finally:
            await stream.aclose()


class FarEnd(AudioInput):
    """What the far end says, in pieces of all that has come since the last one.

    LiveKit's recorder places a piece by the moment it comes. After a stall of ours many frames come
    at once: as one piece they lie where they were said, one by one they would lie on each other.
    """

    def __init__(self) -> None:
        super().__init__(label="far end")
        self._frames: list[rtc.AudioFrame] = []
        self._came = asyncio.Event()

    async def follow(self, stream: AsyncIterable[rtc.AudioFrameEvent]) -> None:
        """Take in a track's audio until the track ends."""
        async for event in stream:
            self._frames.append(event.frame)
            self._came.set()

    async def __anext__(self) -> rtc.AudioFrame:
        """Wait for the next piece."""
        await self._came.wait()
        self._came.clear()
        frames, self._frames = self._frames, []
        return rtc.combine_audio_frames(frames)


def new_file(folder: Path, call_id: str, number: int = 1) -> Path:
    """Make room for the recording of a call: `<folder>/<UTC date>/<call id>.ogg`, its owner's only.

    Its second part, after a takeover, is `<call id>.2.ogg`. It is written as `part_of` that file.
    Raises OSError.
    """
    day = folder / f"{now():%Y-%m-%d}"
    for each in (folder, day):
        private_folder(each)
    name = re.sub(r"[^A-Za-z0-9_-]", "_", call_id)
    file = day / (f"{name}.ogg" if number == 1 else f"{name}.{number}.ogg")
    part_of(file).touch(mode=0o600, exist_ok=False)
    return file


def part_of(file: Path) -> Path:
    """Return the name that a recording has until it is complete."""
    return file.with_suffix(".ogg.part")


def is_whole(file: Path) -> bool:
    """Tell whether an Ogg file was written to its end: its last page says so. Raises OSError."""
    with file.open("rb") as recording:
        recording.seek(max(0, file.stat().st_size - 0x10000))  # no page is longer
        tail = recording.read()
    page = tail[max(0, tail.rfind(b"OggS")) :]
    if len(page) < _PAGE_HEADER or not page[5] & _LAST_PAGE:
        return False
    segments = page[_PAGE_HEADER : _PAGE_HEADER + page[26]]
    return len(page) == _PAGE_HEADER + len(segments) + sum(segments)
