"""Hearing the beep of a voicemail, through the quality of a telephone line."""

import numpy as np
import pytest

from host.local.sound import silence, telephone_line, tone
from host.local.speech import speak
from host.telephony.voicemail.beep import RATE, BeepDetector

CHUNK = 400


def hear(detector: BeepDetector, samples: np.ndarray) -> None:
    line = telephone_line(samples)
    for at in range(0, len(line), CHUNK):
        detector.push(line[at : at + CHUNK])


@pytest.fixture
def detector() -> BeepDetector:
    armed = BeepDetector()
    armed.speech()
    return armed


@pytest.mark.parametrize("hz", [400, 440, 700, 1000, 1400, 2000, 2400])
@pytest.mark.parametrize("seconds", [0.15, 0.4, 0.7])
def test_a_pure_tone_that_ends_is_a_beep(detector: BeepDetector, hz: float, seconds: float) -> None:
    hear(detector, np.concatenate([tone(hz, seconds), silence(0.5)]))
    assert detector.heard.is_set()


def test_a_beep_is_heard_when_silence_follows_it_and_not_before(detector: BeepDetector) -> None:
    hear(detector, np.concatenate([tone(1000, 0.4), silence(0.3)]))
    assert not detector.heard.is_set()
    hear(detector, silence(0.2))
    assert detector.heard.is_set()


def test_beeps_in_a_row_are_over_with_the_last_one(detector: BeepDetector) -> None:
    row = [tone(1000, 0.2), silence(0.25)] * 3
    hear(detector, np.concatenate(row))
    assert not detector.heard.is_set()
    hear(detector, silence(0.3))
    assert detector.heard.is_set()


@pytest.mark.parametrize("after", [0.1, 0.6])
def test_a_beep_that_is_followed_by_speech_was_no_end(detector: BeepDetector, after: float) -> None:
    hear(detector, np.concatenate([tone(1000, 0.4), silence(after)]))
    detector.speech()
    hear(detector, silence(1.0))
    assert not detector.heard.is_set()


@pytest.mark.parametrize("hz", [400, 425, 450])
def test_the_ringing_of_another_telephone_is_no_beep(detector: BeepDetector, hz: float) -> None:
    hear(detector, np.concatenate([tone(hz, 1.0), silence(4.0)] * 2))
    assert not detector.heard.is_set()


def test_a_beep_in_a_noisy_line_is_heard(detector: BeepDetector) -> None:
    noise = np.random.default_rng(7).normal(0, 300, RATE)
    beep = tone(1000, 0.4)
    hear(detector, (np.pad(beep, (1600, RATE - 1600 - len(beep))) + noise).astype(np.int16))
    hear(detector, silence(0.2))
    assert detector.heard.is_set()


def test_nothing_is_a_beep_before_speech_was_heard() -> None:
    unarmed = BeepDetector()
    hear(unarmed, np.concatenate([tone(425, 1.0), silence(0.5)]))
    assert not unarmed.heard.is_set()


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(tone(1000, 0.08), id="a click of 80 ms"),
        pytest.param(tone(300, 0.5), id="a hum below the band"),
        pytest.param(tone(3000, 0.5), id="a whistle above the band"),
        pytest.param(tone(1000, 0.5, level=-60), id="a tone too quiet to be meant"),
        pytest.param(tone(697, 0.3) // 2 + tone(1209, 0.3) // 2, id="a key"),
    ],
)
def test_other_tones_are_no_beep(detector: BeepDetector, sound: np.ndarray) -> None:
    hear(detector, np.concatenate([sound, silence(0.6)]))
    assert not detector.heard.is_set()


async def test_speech_is_no_beep(detector: BeepDetector) -> None:
    for sentence in (
        "You have reached the voicemail of Ann Miller. Please leave a message after the tone.",
        "Hello, who is calling please? I can not come to the phone right now.",
        "Ooooh, no. Mmmm. Aaaah.",
    ):
        hear(detector, await speak(sentence, RATE))
    assert not detector.heard.is_set()
