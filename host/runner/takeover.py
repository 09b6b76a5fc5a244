"""Takes over a call from a dead process, by its checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING

from host.call.live import LiveCall
from host.runner.checkpoint import Checkpoint
from host.settings import Settings
from host.speech.disclosure import disclose
from host.speech.stepping_out import add_to

if TYPE_CHECKING:
    from livekit.agents import Agent

IDENTITY = "takeover-"
"""Prefix of the identity of an agent that takes a call over."""


def identity_for(call: str) -> str:
    """Return the identity of the agent that takes a call over."""
    return f"{IDENTITY}{call}"


def call_to_take_over(identity: str) -> str | None:
    """Return the id of the call that an identity takes over; None if it takes over none."""
    return identity.removeprefix(IDENTITY) if identity.startswith(IDENTITY) else None


def restored(settings: Settings, checkpoint: Checkpoint) -> LiveCall:
    """Build a call from its checkpoint; it does not reply until `resume` has run."""
    state = checkpoint.state.model_copy(update={"greeted": False, "ended_at": None})
    state.persona = state.owner  # another one may have been asked whether it takes the call
    call = LiveCall(settings, state)
    vars(call.call.state).update(checkpoint.kept)
    call.usage_by_session[0] = list(state.usage)
    return call


async def resume(call: LiveCall, agent: Agent) -> None:
    """Say that the conversation continues, emit `resumed`, and let the far end speak.

    A disclosure that was not heard to its end is made first.
    """
    session = call.session
    assert session is not None
    turns = agent.chat_ctx.copy()
    for said in call.state.transcript:
        add_to(turns, said)
    await agent.update_chat_ctx(turns)
    call.state.greeted = True
    if session.current_agent is not agent:
        session.update_agent(agent)
    # The last turn is not answered: its reply may be what crashed the process.
    on_hold = call.hold.active  # nobody would hear the words
    if not on_hold:
        await disclose(call)
        await call.say(call.persona_settings.words.taken_over, interruptible=False)
    call.spawn(_emit_resumed(call), "resumed")
    if call.first_words and not on_hold:
        await call.first_words.answer()


async def _emit_resumed(call: LiveCall) -> None:
    await call.hold.over()
    await call.events.emit_and_wait("resumed", patiently=True)
