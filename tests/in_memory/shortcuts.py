"""What LiveKit's agents work out again in each scene, once or quicker, with the same result."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
from livekit import rtc
from livekit.agents.utils.audio import audio_frames_from_file
from livekit.agents.voice import background_audio
from livekit.agents.voice.transcription import _speaking_rate
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

_frames: dict[str, list[rtc.AudioFrame]] = {}


def take(patch: pytest.MonkeyPatch) -> None:
    """Take them, until the patch is undone. Private: both names, of livekit-agents 1.8."""
    patch.setattr(background_audio, "audio_frames_from_file", decoded)
    patch.setattr(_speaking_rate.SpeakingRateStream, "_spectral_flux", spectral_flux)


async def decoded(file: str) -> AsyncIterator[rtc.AudioFrame]:
    """Decode a file once for all scenes: the music on hold takes a second."""
    if file not in _frames:
        _frames[file] = [frame async for frame in audio_frames_from_file(file)]
    for frame in _frames[file]:
        yield frame


def spectral_flux(_: Any, audio: NDArray[np.float32], sample_rate: int) -> float:
    """How much a sound's spectrum changes, for all its windows at once: a sixth of a call's time.

    `audio` has the shape (samples,).
    """
    length = int(sample_rate * 0.025)
    window = np.hanning(length)
    windows = sliding_window_view(audio, length)[:: length // 2] * window
    if len(windows) < 2:
        return 0.0
    spectrum = np.abs(np.fft.rfft(windows, axis=1)) / np.sqrt(np.sum(window**2))
    return float(np.mean(np.sum(np.abs(np.diff(spectrum, axis=0)), axis=1)))
