"""Pieces of speech joined into one sound, and the way back to the pieces."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from host.local.speech.audio import Samples, silence
from host.local.speech.decode import Word
from host.local.speech.request import RATE, Place, Request

BEFORE, AFTER = 0.15, 0.25
"""Seconds that the silence between two words may be before or after where the decoder found it."""

QUIET_WINDOW = RATE * 60 // 1000
"""Samples of the silence that every sentence of the TTS has at its ends: its own 20 and 60 ms, less
what is too faint to be told from it."""
QUIET = 0.03
"""Maximum level of that silence, as a share of the sound's peak: RMS against amplitude."""


class Joined:
    """The pieces `first` to `last` of a request as one sound, with pauses up to `longest` seconds.

    `samples` is the sound at RATE.
    """

    def __init__(self, request: Request, first: int, last: int, longest: float) -> None:
        parts: list[Samples] = []
        self._starts: list[int] = []
        self._first = first
        at = 0
        for piece in range(first, last + 1):
            if piece > first:
                pause = silence(min(request.pauses[piece - 1], longest), RATE)
                parts.append(pause)
                at += pause.size
            self._starts.append(at)
            parts.append(request.pieces[piece])
            at += request.pieces[piece].size
        self._sizes = [request.pieces[piece].size for piece in range(first, last + 1)]
        self.samples: Samples = np.concatenate(parts)

    def cut(self, words: Sequence[Word], at: int) -> int | None:
        """Return the sample between two sentences, of which the second begins with word `at`.

        It is in the middle of the quietest window near the words' edges, as the decoder found them;
        None if there is no silence. The sound's edges need none.
        """
        if at == 0:
            return 0
        if at == len(words):
            return self.samples.size
        first = max(round((words[at - 1].end - BEFORE) * RATE) - QUIET_WINDOW // 2, 0)
        last = round((words[at].start + AFTER) * RATE) - QUIET_WINDOW // 2
        levels = self._level[first:last]
        peak = np.abs(self.samples.astype(np.int32)).max(initial=0)
        if not levels.size or levels.min() > QUIET * peak:
            return None
        return int(first + levels.argmin()) + QUIET_WINDOW // 2

    @cached_property
    def _level(self) -> NDArray[np.float64]:
        """RMS of the window that starts at each sample."""
        power = np.concatenate([[0.0], np.cumsum(self.samples.astype(np.float64) ** 2)])
        sums = power[QUIET_WINDOW:] - power[:-QUIET_WINDOW]
        return np.sqrt(sums / QUIET_WINDOW)  # type: ignore[no-any-return]

    def place(self, sample: int, *, end: bool = False) -> Place:
        """Return where a sample of the sound is in the pieces; as an `end`, the one after it.

        A sample of a pause is at the next piece's start, or as an end at the previous one's end.
        """
        if end:
            at = max(i for i, start in enumerate(self._starts) if start < sample or not i)
            return Place(self._first + at, min(sample - self._starts[at], self._sizes[at]))
        at = next(
            (i for i, start in enumerate(self._starts) if sample < start + self._sizes[i]),
            len(self._starts) - 1,
        )
        return Place(self._first + at, max(sample - self._starts[at], 0))
