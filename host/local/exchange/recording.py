"""The recording of a call: left what the phone said, right what it heard, from the answer on."""

import numpy as np

from host.local.sound import Samples

SAID, HEARD = 0, 1


class Recording:
    """Two channels on one time axis of samples; sample 0 is the answer."""

    def __init__(self) -> None:
        self._room = np.zeros((80_000, 2), np.int16)
        self._length = 0

    def write(self, channel: int, start: int, samples: Samples) -> None:
        """Put samples where they belong; what lies before the answer is dropped."""
        samples = samples[max(0, -start) :]
        start = max(0, start)
        end = start + samples.size
        if end > len(self._room):
            self._room = np.concatenate([self._room, np.zeros((end, 2), np.int16)])
        self._room[start:end, channel] = samples
        self._length = max(self._length, end)

    def stereo(self, length: int | None = None) -> Samples:
        """Give a copy of the first `length` samples (n, 2), or of all."""
        wanted = self._length if length is None else length
        return self._room[: min(wanted, self._length)].copy()
