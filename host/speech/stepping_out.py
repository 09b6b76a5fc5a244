"""The persona steps out while an operator talks with the far end, and goes on afterwards."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from host.call.live import LiveCall
from host.records.record import OperatorShare, Utterance

if TYPE_CHECKING:  # the parent, which takes calls over, has no part of livekit-agents for it
    from livekit.agents import llm

BACK = (
    "A person of your staff has just talked with the other party in your place, and has given the "
    "conversation back to you. {known} Go on from there: say in one short sentence that you are "
    "back, and do not repeat what is settled."
)
KNOWN = "What was said is above; the words marked [colleague] are that person's."
UNKNOWN = "What that person said was not transcribed, so ask if you need to know it."
MARK = "[colleague] "


@contextlib.asynccontextmanager
async def stepped_out(call: LiveCall) -> AsyncIterator[None]:
    """Silence the persona inside the block: it hears the far end, and nobody hears it.

    Limits of silence and replies don't act; keys are the operator's, and the call is not ended at
    `max_duration` before the persona has it back.
    """
    session = call.session
    assert session is not None
    try:
        with call.hold_replies():
            await session.interrupt(force=True)
            call.bridged = True
            session.output.set_audio_enabled(False)
            yield
    finally:
        call.bridged = False
        if not call.over:
            session.output.set_audio_enabled(True)


def add_to(turns: llm.ChatContext, said: Utterance) -> None:
    """Add a line of the transcript to what the LLM knows; an operator's words are marked."""
    role: llm.ChatRole = "user" if said.who == "caller" else "assistant"
    mark = MARK if said.who == "operator" else ""
    turns.add_message(role=role, content=f"{mark}{said.text}")


async def back_from(call: LiveCall, talk: OperatorShare, *, heard: bool) -> None:
    """Let the persona know what was said in an operator's talk, and go on.

    `heard`: whether the operator's words were transcribed.
    """
    session = call.session
    if session is None or call.over:
        return
    call.hold.end("the persona has the call back")
    if call.first_words:
        call.first_words.take()  # they are in the transcript, in their order
    agent = session.current_agent
    turns = agent.chat_ctx.copy()
    for said in call.state.transcript:
        if said.at < talk.since or said.who == "persona":
            continue
        add_to(turns, said)
    await agent.update_chat_ctx(turns)
    with contextlib.suppress(RuntimeError):  # the session is closing
        session.generate_reply(instructions=BACK.format(known=KNOWN if heard else UNKNOWN))
