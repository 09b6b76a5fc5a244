"""When the far end spoke, and which of it has a transcript."""

from __future__ import annotations

import asyncio

BREATH = 1.0
"""Seconds of silence that do not yet end a stretch of speech."""


class Speech:
    """The far end's speech since the answer, as the VAD found it."""

    def __init__(self) -> None:
        self._spans: list[tuple[float, float | None]] = []
        self._still = _now()
        self._transcribed = 0
        """The spans that have a transcript, from the first on."""

    @property
    def begun(self) -> bool:
        """True once the far end has spoken."""
        return bool(self._spans)

    @property
    def now(self) -> bool:
        """True while the far end speaks."""
        return bool(self._spans) and self._spans[-1][1] is None

    @property
    def quiet(self) -> float:
        """Seconds since the far end last spoke; 0 while it speaks."""
        return 0.0 if self.now else _now() - self._still

    def begins(self) -> None:
        """Note that the far end begins to speak."""
        self._spans.append((_now(), None))

    def ends(self) -> None:
        """Note that the far end is silent."""
        if self.now:
            self.was()
            self._spans[-1] = (self._spans[-1][0], self._still)

    def was(self) -> None:
        """Note that the far end has spoken until now, though the VAD may not know it."""
        self._still = _now()

    def transcribed(self) -> float:
        """Note a transcript; return when its words were spoken at the latest: it may be late."""
        ended = [end for _, end in self._spans[self._transcribed :] if end is not None]
        self._transcribed = self._transcribed + len(ended) if ended else len(self._spans)
        return ended[-1] if ended else _now()

    def longest(self, since: float = 0.0) -> float:
        """Return the seconds of the longest speech with gaps of at most BREATH."""
        longest, begun, last = 0.0, 0.0, float("-inf")
        for start, end in self._spans:
            if end is not None and end <= since:
                continue
            if start - last > BREATH:
                begun = max(start, since)
            last = end if end is not None else _now()
            longest = max(longest, last - begun)
        return longest


def _now() -> float:
    return asyncio.get_running_loop().time()
