"""Speech recognition of a stream, limited to the sentences of a scene.

Measured with 32 texts by flite: through mu-law, Opus at 24 kbit/s and 3 % packet loss each 32 of 32
verbatim, 16 dB softer 30, with noise at -44 dBFS 28; sequences of two or three texts 30 of 30, and
two texts without a pause 120 of 120. Of 32 unknown sentences one was recognised as another; no
beep, key or noise was. A result comes 50 to 100 ms after the silence that ends an utterance, on an
idle machine.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import numpy as np

from host.local.speech.audio import Samples
from host.local.speech.heard import Event, Heard, SpeechEnded, SpeechStarted
from host.local.speech.recogniser import recogniser
from host.local.speech.request import RATE, Finding, Place
from host.local.speech.resample import resample
from host.local.speech.segment import FRAME, LEAD, Segmenter, Utterance
from host.local.speech.sentences import Sentences

REMEMBERED = 1.0
"""Seconds for which unrecognised speech may still be the beginning of a sentence."""
LONGEST = 30.0
"""Maximum duration of an utterance, in seconds."""


@dataclass(frozen=True)
class _Piece:
    """Speech without a pause; `start` and `end` in seconds of the stream, samples at RATE."""

    start: float
    end: float
    samples: Samples


def _rest(pieces: list[_Piece], at: Place) -> list[_Piece]:
    """Return what follows a place in the pieces."""
    piece, rest = pieces[at.piece], pieces[at.piece + 1 :]
    if at.samples >= piece.samples.size:
        return rest
    start = piece.start + at.samples / RATE
    return [_Piece(start, piece.end, piece.samples[at.samples :]), *rest]


@dataclass(frozen=True)
class _Pause:
    """Silence after pieces of an utterance, which may continue."""

    pieces: list[_Piece]
    ended: bool


class Transcriber:
    """Recognises the sentences of a scene in a stream of mono samples at `rate` Hz.

    An utterance ends after `silence` seconds without speech; after half of that, an interim
    result is reported as not `final`. Anything but a sentence (beeps, keys, noise, other speech,
    half a sentence) yields no `Heard`. Timing depends on the stream only, not on the clock.
    """

    def __init__(self, sentences: Sentences, rate: int = 8000, silence: float = 0.3) -> None:
        self._sentences = sentences
        self._rate = rate
        self._silence = silence
        self._segmenter = Segmenter(rate)
        self._frame = round(rate * FRAME)
        self._rest = np.zeros(0, np.int16)
        self._kept: list[Samples] = []
        self._guessed_at = -1.0
        self._news: asyncio.Queue[SpeechStarted | _Pause | None] = asyncio.Queue()
        self._unheard: list[_Piece] = []
        recogniser.learn(sentences)

    def push(self, samples: Samples) -> None:
        """Recognise the next samples, any number of them."""
        self._rest = np.concatenate([self._rest, samples])
        whole = self._rest.size // self._frame * self._frame
        for at in range(0, whole, self._frame):
            self._hear(self._rest[at : at + self._frame])
        self._rest = self._rest[whole:]

    def flush(self) -> None:
        """End the current utterance, if any, without waiting for silence."""
        if utterance := self._segmenter.take():
            self._news.put_nowait(_Pause(self._cut(utterance), ended=True))

    def close(self) -> None:
        """End the stream; iteration ends after the last result."""
        self.flush()
        self._news.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[Heard]:
        """Yield each sentence once, when its utterance has ended."""
        async for event in self.events():
            if isinstance(event, Heard) and event.final:
                yield event

    async def events(self) -> AsyncIterator[Event]:
        """Yield all events in order, to one reader."""
        guess: tuple[list[_Piece], list[Finding]] | None = None
        while (news := await self._news.get()) is not None:
            if isinstance(news, SpeechStarted):
                yield news
                continue
            pieces = self._recall(news.pieces[0].start) + news.pieces
            if guess and [p.end for p in guess[0]] == [p.end for p in pieces]:
                findings = guess[1]
            else:
                findings = await self._find(pieces)
            guess = None if news.ended else (pieces, findings)
            for found in findings:
                start = pieces[found.start.piece].start + found.start.samples / RATE
                end = pieces[found.end.piece].start + found.end.samples / RATE
                yield Heard(found.text, start, end, found.confidence, final=news.ended)
            if news.ended:
                self._unheard = _rest(pieces, findings[-1].end) if findings else pieces
                yield SpeechEnded(news.pieces[0].start, news.pieces[-1].end)

    def _hear(self, frame: Samples) -> None:
        segmenter = self._segmenter
        began = segmenter.push(frame)
        self._kept.append(frame)
        utterance = segmenter.utterance
        if utterance is None:
            del self._kept[: -LEAD - 1]
            return
        if began:
            recogniser.learn(self._sentences)
            self._news.put_nowait(SpeechStarted(utterance.start))
        if segmenter.silence >= self._silence or utterance.end - utterance.start > LONGEST:
            self.flush()
        elif segmenter.silence >= self._silence / 2 and self._guessed_at != utterance.end:
            self._guessed_at = utterance.end
            self._news.put_nowait(_Pause(self._cut(utterance), ended=False))

    def _cut(self, utterance: Utterance) -> list[_Piece]:
        """Cut the utterance's pieces out of the buffered samples."""
        begin = self._segmenter.frames - len(self._kept)
        samples = resample(np.concatenate(self._kept), self._rate, RATE)
        each = round(FRAME * RATE)
        return [
            _Piece(
                first * FRAME, last * FRAME, samples[(first - begin) * each : (last - begin) * each]
            )
            for first, last in utterance.pieces
        ]

    def _recall(self, start: float) -> list[_Piece]:
        """Return unrecognised speech just before `start`, which may belong to it."""
        if not self._unheard or start - self._unheard[-1].end > REMEMBERED:
            self._unheard = []
        return self._unheard[-6:]

    async def _find(self, pieces: list[_Piece]) -> list[Finding]:
        pauses = [
            after.start - before.end for before, after in zip(pieces, pieces[1:], strict=False)
        ]
        return await recogniser.find(self._sentences, [p.samples for p in pieces], pauses)
