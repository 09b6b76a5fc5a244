"""Holds in a conversation with a realtime model, whose transcript may come after its reply."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from livekit.agents import AgentSession
from sample_calls import call_of

from host.call.live import LiveCall
from host.settings import Settings
from host.speech.hold_watch import HoldWatch

QUEUE = "Your call is important to us. Please stay on the line."


class Session:
    """A session that replies when it is asked to, and tells what a test has it tell."""

    user_state = "listening"
    current_speech = None

    def __init__(self) -> None:
        self.replies = 0
        self._told: dict[str, Callable[[Any], None]] = {}

    def on(self, event: str, tell: Callable[[Any], None]) -> None:
        """Keep whom to tell."""
        self._told[event] = tell

    def says(self, words: str) -> None:
        """Let the far end be transcribed."""
        said = SimpleNamespace(transcript=words, is_final=True)
        self._told["user_input_transcribed"](said)

    def speaks(self) -> None:
        """Let the far end begin to speak."""
        self._told["user_state_changed"](SimpleNamespace(new_state="speaking"))

    def generate_reply(self) -> None:
        """Reply."""
        self.replies += 1


@pytest.fixture
def call() -> LiveCall:
    call = call_of(Settings())
    call.state.mark("answered")
    call.state.greeted = True
    return call


@pytest.fixture
def session(call: LiveCall) -> Session:
    session = Session()
    HoldWatch(call, cast(AgentSession[Any], session))
    return session


async def test_a_reply_that_came_before_the_words_that_end_the_hold_is_asked_for_again(
    call: LiveCall, session: Session
) -> None:
    session.says(QUEUE)
    session.speaks()
    call.hold.suppressed = True  # the model's reply is there, its transcript is not
    session.says("The billing desk is here, what is it about?")
    assert not call.hold.active
    assert session.replies == 1


async def test_a_reply_to_the_announcement_before_is_not(call: LiveCall, session: Session) -> None:
    session.says(QUEUE)
    session.speaks()
    call.hold.suppressed = True
    session.says(QUEUE)
    assert call.hold.active
    session.speaks()
    session.says("The billing desk is here, what is it about?")
    assert not call.hold.active
    assert session.replies == 0
