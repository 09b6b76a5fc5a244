"""Limits of a call, where what is said fails or hangs, and what is no sign of life."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from livekit.agents import AgentSession
from sample_calls import call_of

from host.call.live import LiveCall
from host.records.ending import Ending
from host.records.outcome import Outcome
from host.runner import limits
from host.runner.limits import Silence, ToolUses, end_with_words
from host.settings import PersonaSettings, Settings, Words

WORDS = Words()


class Session:
    """A session that says nothing by itself, and tells what a test has it tell."""

    user_state = agent_state = "listening"
    current_speech = tts = llm = None
    output = SimpleNamespace(audio=None)

    def __init__(self) -> None:
        self.answer: Any = SimpleNamespace(add_done_callback=self._keep)
        self.done: list[Callable[[Any], None]] = []
        self._told: dict[str, Callable[[Any], None]] = {}

    def on(self, event: str, tell: Callable[[Any], None]) -> None:
        """Keep whom to tell."""
        self._told[event] = tell

    def tell(self, event: str, **facts: Any) -> None:
        """Let something happen."""
        self._told[event](SimpleNamespace(**facts))

    def generate_reply(self, **how: Any) -> Any:
        """Begin an answer, whose end a test decides."""
        return self.answer

    def _keep(self, done: Callable[[Any], None]) -> None:
        self.done.append(done)


@pytest.fixture
def session() -> Session:
    return Session()


def livekits(session: Session) -> AgentSession[Any]:
    """The session as the host takes it: what the limits use of LiveKit's, it has."""
    return cast(AgentSession[Any], session)


def answered_call(session: Session, **settings: Any) -> LiveCall:
    """A call that somebody has answered."""
    call = call_of(Settings(personas={"desk": PersonaSettings(**settings)}))
    call.state.mark("answered")
    call.session = livekits(session)
    return call


async def test_a_warning_that_can_not_be_said_does_not_cost_the_limit(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = answered_call(session, max_duration=1, duration_warning=0.9, silence_timeout=0)

    async def say(text: str, **how: Any) -> None:
        raise RuntimeError("the session is closing")

    monkeypatch.setattr(call, "say", say)
    limits.watch(call)
    ending = await asyncio.wait_for(call.ending, 10)
    assert (ending.outcome, ending.by) == (Outcome.COMPLETED, "host")
    assert ending.reason == "the call reached its maximum duration of 1 s"


async def test_last_words_that_are_never_out_end_the_call_all_the_same(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = answered_call(session)
    monkeypatch.setattr(call, "say", lambda *words, **how: asyncio.Event().wait())
    await asyncio.wait_for(end_with_words(call, "Goodbye.", "It is late.", limit=0.05), 10)
    assert call.ending.result().reason == "It is late."


async def test_noise_that_is_no_word_is_no_sign_of_life(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = answered_call(session, silence_timeout=0.05)
    said: list[str] = []

    async def say(text: str, **how: Any) -> None:
        said.append(text)
        session.tell("user_input_transcribed", transcript=" ", is_final=True)

    monkeypatch.setattr(call, "say", say)
    await asyncio.wait_for(Silence(call, livekits(session)).hold(), 10)
    assert said == [WORDS.silent, WORDS.still_silent, WORDS.silent_goodbye]
    assert call.ending.result().reason == "the caller stayed silent"


async def test_a_caller_who_goes_as_they_are_asked_leaves_no_error(
    session: Session, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    call = answered_call(session, silence_timeout=0.05)
    asked = asyncio.Event()

    def closing(text: str, **how: Any) -> Any:
        asked.set()
        raise RuntimeError("AgentSession is closing, cannot use say()")

    monkeypatch.setattr(session, "say", closing, raising=False)
    call.end(Ending(Outcome.COMPLETED, "far end", "the caller hung up"))
    watching = call.spawn(Silence(call, livekits(session)).hold(), "watching for silence")
    await asyncio.wait([watching], timeout=0.4)
    await call.settle(0.1)
    assert not asked.is_set()
    said = [record for record in caplog.records if record.name != "livekit"]  # of earlier tests
    assert not [record for record in said if record.levelname == "ERROR"]


async def test_a_caller_is_not_asked_while_the_host_has_the_word(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    call = answered_call(session, silence_timeout=0.05)
    said: asyncio.Queue[str] = asyncio.Queue()

    async def say(text: str, **how: Any) -> None:
        said.put_nowait(text)

    monkeypatch.setattr(call, "say", say)
    monkeypatch.setattr(limits, "GLANCE", 0.01)
    holding = asyncio.create_task(Silence(call, livekits(session)).hold())
    with call.hold_replies():
        await asyncio.sleep(0.3)  # as on hold: nothing happens, which has no event
        assert said.empty()
    assert await asyncio.wait_for(said.get(), 10) == WORDS.silent
    holding.cancel()


async def test_a_model_uses_as_many_tools_in_a_row_as_it_may_and_no_more(session: Session) -> None:
    call = answered_call(session, max_tool_calls=3, max_same_tool=9)
    ToolUses(call, livekits(session))
    stopped: list[int] = []
    for nth in range(1, 4):
        use = SimpleNamespace(name="look_up", arguments=f'{{"what": {nth}}}')
        session.tell(
            "function_tools_executed",
            function_calls=[use],
            cancel_tool_reply=lambda nth=nth: stopped.append(nth),
        )
    assert stopped == [3]
    assert len(session.done) == 1  # it has to answer now


@pytest.mark.parametrize("interrupted", [False, True])
async def test_an_answer_that_the_caller_breaks_off_is_not_the_end(
    session: Session, monkeypatch: pytest.MonkeyPatch, interrupted: bool
) -> None:
    call = answered_call(session, max_same_tool=2)
    said: list[str] = []

    async def say(text: str, **how: Any) -> None:
        said.append(text)

    monkeypatch.setattr(call, "say", say)
    ToolUses(call, livekits(session))
    use = SimpleNamespace(name="look_up", arguments="{}")
    session.tell(
        "function_tools_executed", function_calls=[use, use], cancel_tool_reply=lambda: None
    )
    (done,) = session.done
    done(SimpleNamespace(chat_items=[], interrupted=interrupted))
    await asyncio.wait({call.ending}, timeout=0.1 if interrupted else 10)
    assert call.over is not interrupted
    assert said == ([] if interrupted else [WORDS.stuck])
