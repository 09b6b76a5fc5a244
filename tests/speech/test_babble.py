"""Babble: how long somebody speaks without words, and what ends it."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import pytest
from livekit.agents import AgentSession, UserInputTranscribedEvent, UserStateChangedEvent

from host.speech.babble import BREATH, LONG, Babble


class Line:
    """What the session is told of the far end, at times that the test chooses."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._now = 100.0
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: self._now)
        self.session: AgentSession[Any] = AgentSession(
            vad=None, turn_handling={"turn_detection": "manual"}
        )
        self.babble = Babble(self.session)

    def speaks(self, seconds: float) -> None:
        """Voice activity begins, and goes on for so long up to now."""
        self._changes("listening", "speaking")
        self._now += seconds

    def pauses(self, seconds: float) -> None:
        """Voice activity ends, so many seconds ago."""
        self._changes("speaking", "listening")
        self._now += seconds

    def says(self, words: str) -> None:
        """The STT returns an interim transcript."""
        heard = UserInputTranscribedEvent(transcript=words, is_final=False)
        self.session.emit("user_input_transcribed", heard)

    def _changes(
        self, old: Literal["speaking", "listening"], new: Literal["speaking", "listening"]
    ) -> None:
        event = UserStateChangedEvent(old_state=old, new_state=new)
        self.session.emit("user_state_changed", event)


@pytest.fixture
async def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    return Line(monkeypatch)


async def test_speech_without_words_is_long_after_20_s(line: Line) -> None:
    line.speaks(LONG - 1)
    assert not line.babble.long
    line.speaks(1.0)
    assert line.babble.long


async def test_short_gaps_do_not_end_it(line: Line) -> None:
    for _ in range(5):
        line.speaks(4.0)
        line.pauses(BREATH / 2)
    assert line.babble.long


async def test_a_long_gap_does(line: Line) -> None:
    line.speaks(LONG)
    line.pauses(BREATH + 0.1)
    assert not line.babble.long
    line.speaks(1.0)
    assert not line.babble.long


async def test_a_word_begins_the_count_anew(line: Line) -> None:
    line.speaks(LONG)
    line.says("Hello")
    assert not line.babble.long
    line.speaks(LONG)
    assert line.babble.long


async def test_an_empty_transcript_does_not(line: Line) -> None:
    line.speaks(LONG)
    line.says(" ")
    assert line.babble.long


async def test_two_coughs_are_no_babble(line: Line) -> None:
    line.speaks(0.5)
    line.pauses(LONG)
    line.speaks(0.5)
    assert not line.babble.long
