"""Adds the audio tracks of a room to one unbroken stream, however late their frames come."""

import numpy as np

from host.local.sound import Samples

PATIENCE = 10
"""How often the stream is asked for, without a new frame of a track, before that counts as gone."""


class Mixer:
    """A stream on a time axis that counts samples from zero; it only ever grows at its end.

    A busy machine hands over frames late and in bursts, but WebRTC makes them without a gap, for a
    muted track too. So the stream isn't cut by the clock: it waits for a track that is behind.
    """

    def __init__(self) -> None:
        self._pending = np.zeros(0, np.int32)
        self._settled = 0
        self._ends: dict[str, int] = {}
        self._missed: dict[str, int] = {}

    def add(self, track: str, samples: Samples, now: int) -> None:
        """Add a track's next frame, which came at sample `now`."""
        start = max(self._ends.get(track, now - samples.size), self._settled)
        self._ends[track] = end = start + samples.size
        self._missed[track] = 0
        missing = end - self._settled - self._pending.size
        if missing > 0:
            self._pending = np.concatenate([self._pending, np.zeros(missing, np.int32)])
        self._pending[start - self._settled : end - self._settled] += samples

    def remove(self, track: str) -> None:
        """Forget a track that has ended."""
        self._ends.pop(track, None)
        self._missed.pop(track, None)

    def settle(self, now: int) -> Samples:
        """Give what is new and final of the stream at sample `now`."""
        for track in list(self._missed):
            self._missed[track] += 1
            if self._missed[track] > PATIENCE:
                self.remove(track)
        until = min([now, *self._ends.values()])
        count = max(0, until - self._settled)
        ready, self._pending = self._pending[:count], self._pending[count:]
        self._settled += count
        mixed = np.zeros(count, np.int32)
        mixed[: ready.size] = ready
        return np.clip(mixed, -32768, 32767).astype(np.int16)
