"""The shortcuts in memory give what LiveKit's own way gives."""

from __future__ import annotations

import inspect
import wave
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from livekit.agents.utils.audio import audio_frames_from_file
from livekit.agents.voice.transcription._speaking_rate import SpeakingRateStream

from in_memory.shortcuts import decoded, signature, spectral_flux


@pytest.mark.parametrize("samples", [600, 900, 1200, 24000])
def test_the_flux_of_a_sound_is_livekits(samples: int) -> None:
    sound = np.random.default_rng(1).uniform(-1, 1, samples).astype(np.float32)
    stream = SpeakingRateStream.__new__(SpeakingRateStream)
    for each in (sound, sound, sound[::-1].copy()):  # worked out, remembered, another
        assert spectral_flux(None, each, 24000) == pytest.approx(
            stream._spectral_flux(each, 24000), rel=1e-6
        )


def test_the_parameters_of_a_function_are_its_own() -> None:
    def made(at: int) -> Callable[..., object]:
        return lambda first, *rest: at

    def wrapped(*anything: object) -> None: ...

    wrapped.__signature__ = inspect.signature(made(0))  # type: ignore[attr-defined]
    method = Sound().put
    for function in (made(0), made(1), method, Sound.put, wrapped, partial(Sound.put, Sound())):
        for _ in range(2):
            assert signature(function) == inspect.signature(function)


class Sound:
    """Something with a method."""

    def put(self, sample: int, times: int = 1) -> None: ...


async def test_a_file_is_decoded_once_and_as_livekit_does_it(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48000)
        file.writeframes(np.arange(9600, dtype=np.int16).tobytes())
    expected = [bytes(frame.data) async for frame in audio_frames_from_file(str(path))]
    assert expected
    assert [bytes(frame.data) async for frame in decoded(str(path))] == expected
    path.unlink()
    assert [bytes(frame.data) async for frame in decoded(str(path))] == expected
