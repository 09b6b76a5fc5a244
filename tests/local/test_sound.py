"""The sound of a telephone line."""

import warnings
import wave
from pathlib import Path

import numpy as np
import pytest

from host.local.sound import (
    QUIETEST,
    RATE,
    decode_mulaw,
    encode_mulaw,
    level,
    loud,
    purity,
    ringback,
    save_wav,
    silence,
    telephone_line,
    tone,
)

EVERY_SAMPLE = np.arange(-32768, 32768).astype(np.int16)
EVERY_CODE = np.arange(256).astype(np.uint8)


def ulaw_compress(sample: int) -> int:
    """ITU-T G.191's reference code for one sample, line by line."""
    magnitude = ((~sample >> 2) + 33) if sample < 0 else ((sample >> 2) + 33)
    magnitude = min(magnitude, 0x1FFF)
    rest, segment = magnitude >> 6, 1
    while rest:
        segment += 1
        rest >>= 1
    code = ((8 - segment) << 4) | (0xF - ((magnitude >> segment) & 0xF))
    return code | 0x80 if sample >= 0 else code


def test_mulaw_compresses_every_sample_as_the_reference_code_does() -> None:
    assert encode_mulaw(EVERY_SAMPLE).tolist() == [ulaw_compress(int(s)) for s in EVERY_SAMPLE]


def test_mulaw_expands_every_code_as_the_standard_library_does() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        audioop = pytest.importorskip("audioop")
    expected = np.frombuffer(audioop.ulaw2lin(EVERY_CODE.tobytes(), 2), np.int16)
    assert decode_mulaw(EVERY_CODE).tolist() == expected.tolist()


def test_a_second_line_changes_nothing_more() -> None:
    once = telephone_line(EVERY_SAMPLE)
    assert telephone_line(once).tolist() == once.tolist()


def test_a_tone_keeps_its_pitch_and_level_over_the_line() -> None:
    sound = telephone_line(tone(1000, 0.5, level=-12))
    assert purity(sound, 1000) > 0.99
    assert level(sound) == pytest.approx(-12, abs=0.3)


def test_silence_is_the_quietest_sound() -> None:
    assert level(silence(0.1)) == level(silence(0)) == QUIETEST
    assert purity(silence(0.1), 1000) == purity(silence(0), 1000) == 0


def test_loud_blocks_are_found() -> None:
    sound = np.concatenate([silence(0.1), tone(500, 0.1), silence(0.1)])
    assert np.flatnonzero(loud(sound)).tolist() == [5, 6, 7, 8, 9]


def test_ringback_is_one_second_in_five_wherever_it_is_cut() -> None:
    whole = ringback(0, 10 * RATE)
    parts = np.concatenate([ringback(start, 800) for start in range(0, 10 * RATE, 800)])
    assert whole.tolist() == parts.tolist()
    assert purity(whole[:RATE], 425) > 0.99
    assert not whole[RATE : 5 * RATE].any()


def test_a_stereo_recording_becomes_a_wav_file(tmp_path: Path) -> None:
    stereo = np.column_stack([tone(500, 0.1), silence(0.1)])
    save_wav(tmp_path / "call.wav", stereo)
    with wave.open(str(tmp_path / "call.wav")) as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (2, RATE, 800)
        read = np.frombuffer(file.readframes(800), "<i2").reshape(-1, 2)
    assert read.tolist() == stereo.tolist()
