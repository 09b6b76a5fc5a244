"""The recording of a call from its answer: left sent, right received."""

import numpy as np

from host.local.sound import Samples

SAID, HEARD = 0, 1


class Recording:
    """Two channels on one time axis in samples; sample 0 is the answer."""

    def __init__(self) -> None:
        self._room = np.zeros((80_000, 2), np.int16)
        self._length = 0

    def write(self, channel: int, start: int, samples: Samples) -> None:
        """Write samples at their position; those before the answer are dropped."""
        samples = samples[max(0, -start) :]
        start = max(0, start)
        end = start + samples.size
        if end > len(self._room):
            self._room = np.concatenate([self._room, np.zeros((end, 2), np.int16)])
        self._room[start:end, channel] = samples
        self._length = max(self._length, end)

    def stereo(self, length: int | None = None) -> Samples:
        """Return a copy of the first `length` samples (n, 2), or all."""
        wanted = self._length if length is None else length
        return self._room[: min(wanted, self._length)].copy()
