"""Goes on with a call whose process died, in a process that knows it by its draft."""

from __future__ import annotations

from datetime import datetime

from livekit.agents import Agent

from host.call.call import Call
from host.runner.checkpoint import Checkpoint

IDENTITY = "takeover-"
"""How the identity of a participant begins that takes a call over."""


def identity_for(call: str) -> str:
    """Name the participant that takes a call over."""
    return f"{IDENTITY}{call}"


def call_to_take_over(identity: str) -> str | None:
    """Return the call that a participant of this name takes over; None for one that does not."""
    return identity.removeprefix(IDENTITY) if identity.startswith(IDENTITY) else None


def restore(call: Call, draft: Checkpoint) -> None:
    """Give a call what its draft knows of it."""
    record = draft.record
    call.id = record.id
    call.metadata, call.outbound = draft.metadata, record.direction == "outbound"
    call.number, call.our_number = record.number, record.our_number
    call.voicemail, call.voicemail_reason = record.voicemail, record.voicemail_reason
    call.transcript, call.tools_used = list(record.transcript), list(record.tools)
    call.keys, call.transfers = list(record.keys), list(record.transfers)
    call.used[0] = list(record.usage)
    call.usage = list(record.usage)
    call.taken_over = record.taken_over
    moments: dict[str, datetime | None] = {
        "dispatched": record.dispatched_at,
        "dialled": record.dialled_at,
        "ringing": record.ringing_at,
        "answered": record.answered_at,
        "first_word": record.first_word_at,
    }
    call.times.update({name: at for name, at in moments.items() if at is not None})


async def resume(call: Call, agent: Agent) -> None:
    """Say that we are here again, and let the far end go on."""
    session = call.session
    assert session is not None
    turns = agent.chat_ctx.copy()
    for line in call.transcript:
        turns.add_message(role="user" if line.who == "caller" else "assistant", content=line.text)
    await agent.update_chat_ctx(turns)
    call.greeted = True
    if session.current_agent is not agent:
        session.update_agent(agent)
    # What was said last is not answered here: the answer may have been what broke.
    await call.say(call.deployment.words.taken_over, interruptible=False)
    if call.first_words:
        await call.first_words.answer()
