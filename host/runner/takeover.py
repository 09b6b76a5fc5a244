"""Takes over a call whose process died, in a process that knows it by its checkpoint."""

from __future__ import annotations

from livekit.agents import Agent

from host.call.live import LiveCall
from host.runner.checkpoint import Checkpoint
from host.settings import Settings

IDENTITY = "takeover-"
"""How the identity of a participant begins that takes a call over."""


def identity_for(call: str) -> str:
    """Name the participant that takes a call over."""
    return f"{IDENTITY}{call}"


def call_to_take_over(identity: str) -> str | None:
    """Return the call that a participant of this name takes over; None for one that does not."""
    return identity.removeprefix(IDENTITY) if identity.startswith(IDENTITY) else None


def restored(settings: Settings, checkpoint: Checkpoint) -> LiveCall:
    """Make a call of what its checkpoint knows. It goes on, and answers nobody before that."""
    state = checkpoint.state.model_copy(update={"greeted": False, "ended_at": None})
    call = LiveCall(settings, state)
    vars(call.call.state).update(checkpoint.kept)
    call.usage_by_session[0] = list(state.usage)
    return call


async def resume(call: LiveCall, agent: Agent) -> None:
    """Say that we are here again, and let the far end go on."""
    session = call.session
    assert session is not None
    turns = agent.chat_ctx.copy()
    for said in call.state.transcript:
        turns.add_message(role="user" if said.who == "caller" else "assistant", content=said.text)
    await agent.update_chat_ctx(turns)
    call.state.greeted = True
    if session.current_agent is not agent:
        session.update_agent(agent)
    # What was said last is not answered here: the answer may have been what broke.
    await call.say(call.persona_settings.words.taken_over, interruptible=False)
    if call.first_words:
        await call.first_words.answer()
