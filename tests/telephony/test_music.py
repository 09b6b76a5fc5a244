"""Music on hold, and what is none: speech, noise, a hum, a room with people."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from livekit.agents import BuiltinAudioClip

from host.local.sound import Samples, telephone_line, tone
from host.local.speech import speak
from host.telephony.music import RATE, SPAN, MusicDetector

SECONDS = 2 * SPAN


def clip(name: BuiltinAudioClip, level: float) -> Samples:
    """A clip of LiveKit's as a telephone transmits it; `level` of 1 is as it was recorded."""
    samples, rate = soundfile.read(Path(name.path()), always_2d=True)
    sound = np.resize(samples.mean(axis=1), round(SECONDS * rate))
    count = round(SECONDS * RATE)
    spectrum = np.fft.rfft(sound)[: count // 2 + 1]
    slow = np.fft.irfft(spectrum, count) * count / sound.size
    return telephone_line(np.clip(slow * level * 32767, -32767, 32767).astype(np.int16))


def music_in(samples: Samples) -> bool:
    """Whether the detector hears music at any moment."""
    detector, heard = MusicDetector(), False
    for at in range(0, samples.size, RATE // 10):
        detector.push(samples[at : at + RATE // 10])
        heard = heard or detector.plays()
    return heard


@pytest.mark.parametrize("level", [0.5, 0.1])
def test_music_on_hold_is_music(level: float) -> None:
    assert music_in(clip(BuiltinAudioClip.HOLD_MUSIC, level))


@pytest.mark.parametrize("level", [1.0, 0.3])
@pytest.mark.parametrize(
    "name", [place for place in BuiltinAudioClip if place != BuiltinAudioClip.HOLD_MUSIC]
)
def test_a_noisy_place_is_none(name: BuiltinAudioClip, level: float) -> None:
    assert not music_in(clip(name, level))


def test_noise_is_none() -> None:
    noise = np.random.default_rng(1).normal(0, 1500, round(SECONDS * RATE))
    assert not music_in(telephone_line(noise.astype(np.int16)))


@pytest.mark.parametrize("hz", [50, 60, 120, 425, 1000])
def test_a_hum_or_a_tone_is_none(hz: float) -> None:
    assert not music_in(telephone_line(tone(hz, SECONDS, -20)))


async def test_speech_is_none() -> None:
    story = "There was a king who had three daughters, and each was cleverer than the one before. "
    assert not music_in(telephone_line(await speak(story * 4, RATE)))


async def test_it_ends_with_its_last_note() -> None:
    music = clip(BuiltinAudioClip.HOLD_MUSIC, 0.5)
    detector = MusicDetector()
    detector.push(music)
    assert detector.plays(still=True)
    detector.push(np.zeros(round(SPAN * RATE), np.int16))
    assert not detector.plays(still=True)
