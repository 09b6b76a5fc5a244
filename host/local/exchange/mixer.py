"""Mixes the audio tracks of a room into one gapless stream, however late frames arrive."""

import numpy as np

from host.local.sound import Samples

PATIENCE = 10
"""Reads of the stream without a new frame after which a track counts as gone."""


class Mixer:
    """A stream with a time axis in samples from zero, to which audio is only appended.

    On a busy machine frames arrive late and in bursts, although WebRTC produces them without gaps,
    also for a muted track. So the stream is not cut by the clock: it waits for a late track.
    """

    def __init__(self) -> None:
        self._pending = np.zeros(0, np.int32)
        self._settled = 0
        self._ends: dict[str, int] = {}
        self._missed: dict[str, int] = {}

    def add(self, track: str, samples: Samples, now: int) -> None:
        """Add a track's next frame, received at sample `now`."""
        start = max(self._ends.get(track, now - samples.size), self._settled)
        self._ends[track] = end = start + samples.size
        self._missed[track] = 0
        missing = end - self._settled - self._pending.size
        if missing > 0:
            self._pending = np.concatenate([self._pending, np.zeros(missing, np.int32)])
        self._pending[start - self._settled : end - self._settled] += samples

    def remove(self, track: str) -> None:
        """Remove a track that has ended."""
        self._ends.pop(track, None)
        self._missed.pop(track, None)

    def settle(self, now: int) -> Samples:
        """Return the stream's new and final samples at sample `now`."""
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
