"""A call that is handed over in text, without a telephone: what is refused, and what it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio
from deployment import Deployment
from livekit.agents import ConversationItemAddedEvent, llm

from host import registry
from host.base.errors import HostError
from host.call.keypad import MASK
from host.call.live import LiveCall
from host.call.state import CallState
from host.records.ending import Ending
from host.records.outcome import Outcome
from host.registry import read_settings
from host.speech.persona_agent import brief
from host.speech.session import make_session

MODELS = """
    from host import hookimpl
    from in_memory.speech import Llm, Thinker

    @hookimpl
    def provide(call, kind, provider, model):
        return Llm(Thinker([]), model or "rules") if kind == "llm" else None
    """
TABLES = """
    [personas.ann]
    record = true
    hands_over_to = ["bob", "cat"]

    [personas.cat]
    record = true
    hands_over_to = ["ann"]
    """


@pytest_asyncio.fixture
async def call(deployment: Deployment) -> AsyncIterator[LiveCall]:
    """A call of ann, who is recorded, and may hand over to bob, who is not, and to cat, who is."""
    for name in ("ann", "bob", "cat"):
        deployment.persona(name)
    deployment.write("plugins/models.py", MODELS)
    deployment.write("host.toml", TABLES)
    settings = read_settings()
    hooks = registry.load(settings).view("ann")
    call = LiveCall(settings, CallState(id="AJ_1", greeted=True), persona="ann", hooks=hooks)
    call.state.begin_share("ann")
    session, agent = make_session(call, text=True)
    await brief(call, agent)
    async with session:
        await session.start(agent)
        yield call
    await call.settle(1)


async def test_a_recording_ends_at_a_persona_that_does_not_record(call: LiveCall) -> None:
    closed: list[bool] = []

    async def close() -> None:
        closed.append(True)

    recorder: Any = SimpleNamespace(close=close)
    call.recorder = recorder
    for to in ("cat", "ann"):
        await handed_over(call, to)
    assert not closed
    await handed_over(call, "bob")
    assert closed
    assert [share.name for share in call.state.personas] == ["ann", "cat", "ann", "bob"]


async def test_a_call_is_handed_over_to_one_persona_at_a_time(call: LiveCall) -> None:
    handing = asyncio.create_task(handed_over(call, "cat"))
    await asyncio.sleep(0)
    with pytest.raises(HostError, match="^the call is being handed over to cat already$"):
        await call.hand_over("ann")
    await handing
    await handed_over(call, "ann")


def not_greeted(call: LiveCall) -> None:
    call.state.greeted = False


def over(call: LiveCall) -> None:
    call.end(Ending(Outcome.COMPLETED, "far end", "the caller hung up"))


def transferred(call: LiveCall) -> None:
    transfers: Any = SimpleNamespace(under_way=True)
    call.transfers = transfers


@pytest.mark.parametrize(
    ("happens", "to", "why"),
    [
        (not_greeted, "bob", "a call can't be handed over before its greeting"),
        (over, "bob", "the call is over"),
        (transferred, "bob", "a transfer is under way"),
        (None, "bop", "ann may hand over to bob, cat, and not to 'bop'; did you mean bob?"),
        (None, "ann", "ann may hand over to bob, cat, and not to 'ann'"),
    ],
)
async def test_why_a_call_is_not_handed_over_is_one_sentence(
    call: LiveCall, happens: Any, to: str, why: str
) -> None:
    if happens:
        happens(call)
    with pytest.raises(HostError) as refusal:
        await call.hand_over(to)
    assert str(refusal.value) == why
    assert (call.persona, len(call.state.personas)) == ("ann", 1)


async def test_a_persona_that_fails_leaves_all_as_it_was(
    call: LiveCall, deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    before = (call.hooks, call.persona_settings, call.state.note)
    bob = registry.load(call.settings).view("bob")

    def fails(call: Any) -> str:
        raise ValueError("no instructions today")

    bob.__dict__["instructions"] = fails
    with pytest.raises(HostError, match="^bob can't take the call: ValueError: no instructions"):
        await call.hand_over("bob", note="a note")
    assert (call.hooks, call.persona_settings, call.state.note) == before
    del bob.__dict__["instructions"]
    await call.hand_over("bob")
    assert call.persona == "bob"


async def test_a_note_is_told_and_what_is_off_the_record_stays_in_no_checkpoint(
    call: LiveCall,
) -> None:
    call.keypad.keep_secret("4321")
    await handed_over(call, "cat", "has the PIN 4321")
    assert call.state.note == f"has the PIN {4 * MASK}"
    assert call.session is not None
    assert '"has the PIN 4321"' in str(call.session.current_agent.instructions)
    await call.call.pause_recording()
    await handed_over(call, "ann", "has a card")
    assert call.state.note == ""
    assert '"has a card"' in str(call.session.current_agent.instructions)
    await call.call.resume_recording()
    await handed_over(call, "cat", "has a horse")
    assert call.state.note == "has a horse"
    await call.call.stop_recording(discard=True)
    assert call.state.note == ""


async def handed_over(call: LiveCall, to: str, note: str = "") -> None:
    """Hand a call over, and wait until the other persona has replied."""
    session, replied = call.session, asyncio.Event()
    assert session is not None

    @session.on("conversation_item_added")
    def on_item(event: ConversationItemAddedEvent) -> None:
        if isinstance(event.item, llm.ChatMessage) and event.item.role == "assistant":
            replied.set()

    await call.hand_over(to, note=note)
    await asyncio.wait_for(replied.wait(), 20)
    session.off("conversation_item_added", on_item)
