"""LiveKit's recorder, with silence in place of what is off the record."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from math import ceil, floor
from typing import Any

import numpy as np
from livekit import rtc

# Not exported by livekit.agents, but LiveKit has no other way to record a session to a given file
# (1.8.9).
from livekit.agents.voice.recorder_io import RecorderIO

Spans = Iterable[tuple[float, float]]
"""Times as seconds since the epoch: from, to."""


class SilencedRecorder(RecorderIO):
    """Records both sides, except `spans()`, which are silent: nothing is cut out of the time."""

    def __init__(self, *, spans: Callable[[], Spans], **options: Any) -> None:
        super().__init__(**options)
        self._spans = spans

    def _put(self, item: Any) -> None:
        """Silence audio on its way to the encoder.

        A private method (1.8.9), but all audio passes it, with the time at which it was heard.
        LiveKit's recorder takes the persona's audio ahead of its playout, and can't pause.
        """
        if hasattr(item, "frame"):
            item = replace(item, frame=silenced(item.frame, item.started_at, self._spans()))
        super()._put(item)


def silenced(frame: rtc.AudioFrame, started_at: float, spans: Spans) -> rtc.AudioFrame:
    """Return a frame, heard from `started_at` on, with silence in the spans; as long as before."""
    rate, length = frame.sample_rate, frame.samples_per_channel
    ended_at = started_at + length / rate
    parts = [
        (
            floor((max(begin, started_at) - started_at) * rate),
            ceil((min(end, ended_at) - started_at) * rate),
        )
        for begin, end in spans
        if begin < ended_at and end > started_at
    ]
    if not parts:
        return frame
    samples = np.frombuffer(frame.data, np.int16).reshape(length, frame.num_channels).copy()
    for first, last in parts:
        samples[first:last] = 0
    return rtc.AudioFrame(samples.tobytes(), rate, frame.num_channels, length)
