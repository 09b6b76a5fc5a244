"""Records a call in stereo: the far end on the left, the persona on the right.

LiveKit's RecorderIO writes the file. It is started here rather than by
`AgentSession.start(record=True)`, which would start before the notice and stop with the session
instead of the call.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterable, Callable
from pathlib import Path

from livekit import rtc
from livekit.agents.voice.io import AudioInput

from host.base.clock import now
from host.base.tasks import Tasks
from host.call.live import LINGER, LiveCall
from host.privacy import private_folder
from host.speech.silenced import SilencedRecorder

log = logging.getLogger("host")

RATE = 24000
"""Sample rate in Hz: a session's output rate, and more than a telephone transmits."""
WRITING_LIMIT = 5.0
"""Seconds that the end of a recording may take to be written after the call."""
_PAGE_HEADER, _LAST_PAGE = 27, 4
"""Ogg page (RFC 3533, section 6): bytes before the segment table, and the flag of the last page."""


class Recorder:
    """Records one call, from `begin` to `close`. A failure never ends the call."""

    def __init__(self, call: LiveCall) -> None:
        """Insert the recorder into the session's audio before anything is said."""
        assert call.session is not None
        assert call.far_end is not None
        self._call, self._room = call, call.far_end.room
        self._recorder = SilencedRecorder(
            spans=call.unrecorded.spans, agent_session=call.session, sample_rate=RATE
        )
        self._far_end = FarEnd()
        self._left = self._recorder.record_input(self._far_end)
        output = call.session.output.audio
        assert output is not None
        call.session.output.audio = self._recorder.record_output(output)
        self._listening = Tasks()
        self._file: Path | None = None
        self._closing: asyncio.Task[None] | None = None
        self._discarded = False

    async def begin(self, heard: str) -> None:
        """Start recording if `heard`, the notice as it was played, contains recording_notice."""
        call = self._call
        if call.unrecorded.stopped:
            return
        if call.persona_settings.recording_notice not in heard:
            log.warning("the call is not recorded: its recording_notice was not heard")
            return
        await asyncio.sleep(LINGER)  # the end of the notice is still in transit
        await self._record()

    async def resume(self) -> None:
        """Continue the recording of a crashed process in a new file; the notice was already heard.

        The earlier file keeps what was written: all but the last 256 KiB, about 40 seconds, which
        FFmpeg buffers (libavformat 62). A recording that was to be deleted is: the process may have
        died before it was. A persona that has had the call and does not record ends the recording.
        """
        call = self._call
        if call.state.recording_discarded:
            self._discard()
            return
        before = Path(call.state.recordings[-1])
        with contextlib.suppress(OSError):  # the disk may be gone
            if part_of(before).stat().st_size:
                part_of(before).rename(before)
                call.state.recording = str(before)
            else:
                part_of(before).unlink()
        if call.settings.of_a_call(call.state.names).record:
            await self._record()

    async def _record(self) -> None:
        call = self._call
        if call.unrecorded.stopped:
            return
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

    async def close(self, *, discard: bool = False) -> None:
        """Finish the file and set it on the call's state; delete a truncated one.

        With `discard`, delete all files of the call at once.
        """
        if discard:
            self._discard()
        if self._file is None:
            return
        if self._closing is None:
            self._closing = asyncio.create_task(self._complete(self._file))
        await asyncio.shield(self._closing)

    def _discard(self) -> None:
        state = self._call.state
        kept, self._discarded = [], True
        for each in map(Path, state.recordings):
            try:
                for file in (each, part_of(each)):
                    file.unlink(missing_ok=True)
            except OSError as error:
                log.error("can't delete the recording: %s", error)
                kept.append(str(each))
        state.recordings, state.recording = kept, kept[-1] if kept else None
        if not kept:
            log.info("the recording was deleted")

    async def _complete(self, file: Path) -> None:
        self._room.off("track_subscribed", self._on_track)
        await self._listening.stop(1.0)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._recorder.aclose(), WRITING_LIMIT)
        part = part_of(file)
        if self._discarded:
            part.unlink(missing_ok=True)  # LiveKit's thread may have made it again
            return
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
        """Feed the recorder until the far end is connected to a colleague."""
        async for _ in self._left:
            if self._call.state.connected:  # the colleague has not heard the notice
                self._call.spawn(self.close(), "closing the recording")
                return

    def _on_track(
        self,
        track: rtc.Track,
        publication: rtc.RemoteTrackPublication,
        participant: rtc.RemoteParticipant,
    ) -> None:
        microphone = publication.source == rtc.TrackSource.SOURCE_MICROPHONE
        far_end = self._call.far_end
        if microphone and far_end and participant.identity == far_end.identity:
            self._listening.start(self._listen(track), "listening to the far end")

    async def _listen(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream(track, sample_rate=RATE, num_channels=1)
        try:
            await self._far_end.follow(stream, unless=lambda: self._call.bridged)
        finally:
            await stream.aclose()


class FarEnd(AudioInput):
    """The far end's audio, as one frame of everything received since the last read.

    LiveKit's recorder positions a frame by its arrival. After a stall many frames arrive at
    once: one by one they would overlap, combined they keep their place.
    """

    def __init__(self) -> None:
        super().__init__(label="far end")
        self._frames: list[rtc.AudioFrame] = []
        self._came = asyncio.Event()

    async def follow(
        self, stream: AsyncIterable[rtc.AudioFrameEvent], *, unless: Callable[[], bool] = bool
    ) -> None:
        """Buffer a track's frames until the track ends; drop those that come while `unless()`."""
        async for event in stream:
            if unless():
                continue
            self._frames.append(event.frame)
            self._came.set()

    async def __anext__(self) -> rtc.AudioFrame:
        """Wait for audio and return all of it as one frame."""
        await self._came.wait()
        self._came.clear()
        frames, self._frames = self._frames, []
        return rtc.combine_audio_frames(frames)


def new_file(folder: Path, call_id: str, number: int = 1) -> Path:
    """Create a private file for a recording: `<folder>/<UTC date>/<call id>.ogg`.

    Part 2, after a takeover, is `<call id>.2.ogg`. The file exists as `part_of` it until it is
    complete. Raises OSError.
    """
    day = folder / f"{now():%Y-%m-%d}"
    for each in (folder, day):
        private_folder(each)
    name = re.sub(r"[^A-Za-z0-9_-]", "_", call_id)
    file = day / (f"{name}.ogg" if number == 1 else f"{name}.{number}.ogg")
    part_of(file).touch(mode=0o600, exist_ok=False)
    return file


def part_of(file: Path) -> Path:
    """Return the name of a recording until it is complete."""
    return file.with_suffix(".ogg.part")


def is_whole(file: Path) -> bool:
    """Return whether an Ogg file ends with a complete last page. Raises OSError."""
    with file.open("rb") as recording:
        recording.seek(max(0, file.stat().st_size - 0x10000))  # the maximum size of a page
        tail = recording.read()
    page = tail[max(0, tail.rfind(b"OggS")) :]
    if len(page) < _PAGE_HEADER or not page[5] & _LAST_PAGE:
        return False
    segments = page[_PAGE_HEADER : _PAGE_HEADER + page[26]]
    return len(page) == _PAGE_HEADER + len(segments) + sum(segments)
