"""The exchange and its telephones in memory: its own code, but for sockets, sound and ears."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import Match, SequenceMatcher
from types import TracebackType
from typing import Any, Self

import numpy as np
from livekit import rtc

from host.local.exchange import Exchange, Heard, PhoneCall
from host.local.exchange.methods import methods
from host.local.exchange.profiles import Profile
from host.local.exchange.recording import HEARD, SAID, Recording
from host.local.exchange.rules import normalize
from host.local.exchange.service import CallService
from host.local.exchange.twirp import Method
from host.local.sound import RATE, Samples, ringback
from host.local.speech import Found

from .sdk import source_of
from .sound import SECONDS_A_CHARACTER, Reader, Voice, speak

PIECE = RATE // 20
"""Samples that are sent at once: 50 ms."""
HUSH = 1.5
"""Seconds of silence that are sent after a sound; after them, nothing is until the next one."""
BREATH = 0.24
"""Seconds of silence between two sentences: an STT's transcript is final then."""
PAUSE = 0.3
"""Seconds of silence that end a sentence for whoever listens."""


@dataclass
class Utterance:
    """What was heard without a pause; times are seconds from the answer."""

    text: str
    start: float
    end: float
    voice: Voice | None = None
    """In whose voice; None: nobody's in particular."""

    def sentences(self) -> Iterator[Heard]:
        """Each sentence by itself, as ears tell them."""
        for match in re.finditer(r"\S.*?(?:[.?!](?=\s|$)|$)", self.text):
            start = self.start + match.start() * SECONDS_A_CHARACTER
            end = self.start + match.end() * SECONDS_A_CHARACTER
            yield Heard(match[0], start, end, 1.0)


def find_in(utterances: Sequence[Utterance], text: str) -> list[Found]:
    """Say where a text was heard: each time that it was, whole or in part."""
    found = []
    wanted = " ".join(text.split())
    sentences = [part for part in _sentences(wanted) if part]
    for at, utterance in enumerate(utterances):
        whole = [match.start() for match in re.finditer(re.escape(wanted), utterance.text)]
        for begin in whole:
            start = utterance.start + begin * SECONDS_A_CHARACTER
            end = start + len(wanted) * SECONDS_A_CHARACTER
            found.append(Found(start, end, 1.0, True))
        if whole:
            continue
        if joined := _joined(utterances[at : at + len(sentences)], sentences):
            found.append(joined)
        elif part := _part(utterance.text, wanted):
            start = utterance.start + part.a * SECONDS_A_CHARACTER
            end = start + part.size * SECONDS_A_CHARACTER
            found.append(Found(start, end, part.size / len(wanted), False))
    return found


def _joined(some: Sequence[Utterance], sentences: list[str]) -> Found | None:
    """Find a text of several sentences that came one after the other."""
    if len(some) < 2 or [each.text.strip() for each in some] != sentences:
        return None
    return Found(some[0].start, some[-1].end, 1.0, True)


class MemoryMedia:
    """A mouth and two ears, as `host.local.exchange.media.Media`: what is heard is read."""

    def __init__(self, name: str, *, g711: bool = True) -> None:
        self._source: rtc.AudioSource | None = rtc.AudioSource(RATE, 1, queue_size_ms=1000)
        self.track: rtc.LocalAudioTrack | None
        self.track = rtc.LocalAudioTrack.create_audio_track(name, self._source)
        self.recording = Recording()
        self.ringback_out = False
        self.ringback_in = False
        self.on_heard: Callable[[Samples], None] = lambda samples: None
        self.on_tick: Callable[[], None] = lambda: None
        self.on_words: Callable[[Heard], None] = lambda heard: None
        self.utterances: list[Utterance] = []
        self._to_say: list[Samples] = []
        self._said_until = 0.0
        self._wake = asyncio.Event()
        self._answered: float | None = None
        self._started: asyncio.Task[None] | None = None
        self._listening: dict[str, asyncio.Task[None]] = {}
        self._ticking: asyncio.TimerHandle | None = None
        self._heard_until = 0.0
        self._sends = self._receives = True
        source_of(self._source).flow(False)

    @property
    def settled(self) -> int:
        """Samples since the answer."""
        return round(self._since_answer() * RATE)

    @property
    def heard_something_at(self) -> float:
        """Seconds from the answer to the end of the last sound from the far end."""
        return self._heard_until

    def start(self) -> None:
        """Begin to send what there is to say."""
        self._started = asyncio.create_task(self._run())

    def answer(self) -> None:
        """Begin to hear and to record: this is second 0."""
        self._answered = _now()
        self.direct(sends=self._sends, receives=self._receives)
        self._tick()

    def direct(self, *, sends: bool, receives: bool) -> None:
        """Let packets pass from now on, both ways or one; there are some in a silence, too."""
        self._sends, self._receives = sends, receives
        if self._source is not None:
            source_of(self._source).flow(sends)

    def listen(self, sid: str, track: rtc.Track) -> None:
        """Hear this track too."""
        if sid not in self._listening:
            self._listening[sid] = asyncio.create_task(self._hear(track))

    def unlisten(self, sid: str) -> None:
        """Stop hearing a track that is gone."""
        if task := self._listening.pop(sid, None):
            task.cancel()

    async def speak(self, text: str) -> float:
        """Queue words; give the seconds until the last is out."""
        breath = np.zeros(round(BREATH * RATE), np.int16)
        spoken = [np.concatenate([speak(each, RATE), breath]) for each in _sentences(text)]
        return self.say(np.concatenate(spoken))

    def say(self, samples: Samples) -> float:
        """Queue samples behind what is being said; give the seconds until the last is out."""
        self._to_say += [samples[at : at + PIECE] for at in range(0, samples.size, PIECE)]
        self._said_until = max(self._said_until, _now()) + samples.size / RATE
        self._wake.set()
        return self._said_until - _now()

    def hush(self) -> None:
        """Break off what is being said."""
        self._to_say.clear()
        self._said_until = _now()

    async def close(self) -> None:
        """Stop, and let go of the track."""
        if self._ticking:
            self._ticking.cancel()
        tasks = [task for task in (self._started, *self._listening.values()) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tell_words(ended=True)
        source, self._source, self.track = self._source, None, None
        if source:
            await source.aclose()

    def find(self, text: str, recording: Samples) -> list[Found]:
        """Say where a text was heard, as `host.local.speech.locate` does."""
        return find_in(self.utterances, text)

    def _since_answer(self) -> float:
        return 0.0 if self._answered is None else max(0.0, _now() - self._answered)

    async def _run(self) -> None:
        hush = 0
        while True:
            if self.ringback_out:
                piece, hush = ringback(round(_now() * RATE), PIECE), round(HUSH * RATE / PIECE)
            elif self._to_say:
                piece, hush = self._to_say.pop(0), round(HUSH * RATE / PIECE)
                if piece.size < PIECE:
                    piece = np.pad(piece, (0, PIECE - piece.size))
            elif hush:
                piece, hush = np.zeros(PIECE, np.int16), hush - 1
            else:
                self._wake.clear()
                await self._wake.wait()
                continue
            await self._send(piece)

    async def _send(self, piece: Samples) -> None:
        if self._sends:
            await self._send_packets(piece)
        await asyncio.sleep(PIECE / RATE)

    async def _send_packets(self, piece: Samples) -> None:
        if self._answered is not None and piece.any():
            self.recording.write(SAID, round(self._since_answer() * RATE), piece)
        if self._source is not None:
            await self._source.capture_frame(rtc.AudioFrame(piece.tobytes(), RATE, 1, piece.size))

    async def _hear(self, track: rtc.Track) -> None:
        stream = rtc.AudioStream.from_track(track=track, sample_rate=RATE, num_channels=1)
        reader = Reader(RATE)
        try:
            async for event in stream:
                if self._answered is not None and self._receives:
                    self._add(np.frombuffer(event.frame.data, np.int16), reader)
        finally:
            await stream.aclose()

    def _add(self, samples: Samples, reader: Reader) -> None:
        """Take in what has just been heard to its end."""
        end = self._since_answer()
        start = end - samples.size / RATE
        self.recording.write(HEARD, max(0, round(start * RATE)), samples)
        if samples.any():
            self._heard_until = end
        for index, text, voice in reader.push(samples):
            at = float(start + index / RATE)
            last = self.utterances[-1] if self.utterances else None
            another = last is not None and None not in (voice, last.voice) and voice != last.voice
            if last is None or another or at - last.end > PAUSE:
                self._tell_words(ended=True)
                last = Utterance("", at, at)
                self.utterances.append(last)
            last.text += text
            last.voice = voice or last.voice
            last.end = at + SECONDS_A_CHARACTER
        self.on_heard(samples)
        self.on_tick()

    def _tick(self) -> None:
        """Beat ten times a second while there is something to wait for, as the real one does."""
        self._tell_words(ended=False)
        if self.ringback_in:
            self.recording.write(HEARD, self.settled, ringback(self.settled, RATE // 10))
        self.on_tick()
        self._ticking = asyncio.get_running_loop().call_later(0.1, self._tick)

    _told = 0

    def _tell_words(self, *, ended: bool) -> None:
        """Tell of the last utterance once nothing follows it."""
        if self._told < len(self.utterances):
            last = self.utterances[-1]
            if ended or self._since_answer() - last.end >= PAUSE:
                self._told = len(self.utterances)
                for heard in last.sentences():
                    self.on_words(heard)


def _sentences(text: str) -> list[str]:
    return re.split(r"(?<=[.?!])\s+", text)


def _part(heard: str, wanted: str) -> Match | None:
    """Find a part of a text, at least half of it, after which or before which nothing was heard."""
    match = SequenceMatcher(None, heard, wanted, autojunk=False).find_longest_match()
    broken_off = match.b == 0 and match.a + match.size >= len(heard.rstrip())
    begun_late = match.a == 0 and match.b + match.size == len(wanted)
    enough = match.size >= max(6, len(wanted) / 2)
    return match if enough and (broken_off or begun_late) else None


def voices_heard(call: PhoneCall, text: str) -> set[Voice | None]:
    """Say in which voices the telephone heard a text, each time that it was there whole."""
    assert isinstance(call.media, MemoryMedia)
    return {each.voice for each in call.media.utterances if text in each.text}


class MemoryEars:
    """Passes on to a call what its sound has read."""

    def __init__(self, call: PhoneCall) -> None:
        assert isinstance(call.media, MemoryMedia)
        call.media.on_words = call.words_arrived

    def push(self, samples: Samples) -> None:
        """Nothing is recognised here."""

    async def aclose(self) -> None:
        """All has been told."""


class MemoryExchange(Exchange):
    """An exchange that no socket leads to: its SIP methods are `sip`."""

    def __init__(
        self, key: str, secret: str, agent: str, *, profile: str | Profile = "now"
    ) -> None:
        super().__init__("memory://livekit", key, secret, profile=profile, deaf=True)
        self.url = "memory://livekit"
        self._office.media = MemoryMedia  # type: ignore[assignment]
        self._office.transcriber = MemoryEars  # type: ignore[method-assign]
        service = CallService(self._office, self.directory, self._subscriber)
        self.sip: dict[str, Method] = methods(service, self.directory)
        self.routes: dict[str, str] = {}
        """Number -> prefix of the rooms of its callers; made into a route when it is rung."""
        self._agent = agent

    async def ring(self, caller: str, called: str, *facts: Any, **more: Any) -> PhoneCall:
        if prefix := self.routes.pop(normalize(called), None):
            await self.route(normalize(called), agent=self._agent, prefix=prefix)
        return await super().ring(caller, called, *facts, **more)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._office.close()


def _now() -> float:
    return asyncio.get_running_loop().time()
