"""When the far end spoke, and to which of it a transcript belongs, however late it comes."""

from __future__ import annotations

import pytest

from host.telephony.voicemail import speech as of_speech
from host.telephony.voicemail.speech import Speech


class Clock:
    """The loop's time, set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(of_speech, "_now", clock)
    return clock


def speaks(speech: Speech, clock: Clock, start: float, end: float) -> None:
    clock.now = start
    speech.begins()
    clock.now = end
    speech.ends()


def test_words_belong_to_the_speech_before_them_however_late_they_come(clock: Clock) -> None:
    speech = Speech()
    speaks(speech, clock, 1.0, 2.0)
    clock.now = 3.5
    assert speech.transcribed() == 2.0


def test_words_that_come_while_somebody_still_speaks_are_spoken_now(clock: Clock) -> None:
    speech = Speech()
    clock.now = 1.0
    speech.begins()
    clock.now = 1.8
    assert speech.transcribed() == 1.8
    clock.now = 2.0
    speech.ends()
    speaks(speech, clock, 4.0, 5.0)
    clock.now = 6.0
    assert speech.transcribed() == 5.0


def test_late_words_of_earlier_speech_are_not_those_of_the_speech_that_goes_on(
    clock: Clock,
) -> None:
    speech = Speech()
    speaks(speech, clock, 1.0, 2.0)
    clock.now = 2.5
    speech.begins()
    clock.now = 2.8
    assert speech.transcribed() == 2.0
    clock.now = 3.5
    speech.ends()
    clock.now = 4.5
    assert speech.transcribed() == 3.5


def test_words_that_no_vad_has_heard_are_spoken_now(clock: Clock) -> None:
    clock.now = 1.5
    assert Speech().transcribed() == 1.5


def test_a_breath_does_not_end_a_stretch_of_speech(clock: Clock) -> None:
    speech = Speech()
    speaks(speech, clock, 1.0, 3.0)
    speaks(speech, clock, 3.8, 5.0)
    speaks(speech, clock, 9.0, 10.0)
    assert speech.longest() == 4.0
    assert speech.longest(since=4.0) == 1.0
    assert not speech.now
    clock.now = 12.0
    assert speech.quiet == 2.0
