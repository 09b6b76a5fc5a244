"""Resumes a conversation that was interrupted to check for a machine."""

from __future__ import annotations

from host.call.live import LiveCall
from host.speech.first_words import hear
from host.speech.greeting import greet_again, greeting_of


async def resume(call: LiveCall, heard: str, *, greets: bool) -> None:
    """Reply to what was heard, or repeat a greeting that was not heard to its end."""
    session, greeting = call.session, greeting_of(call)
    if session is None or call.over:
        return
    words = (call.first_words.take() if call.first_words else "") or heard
    if greets and greeting.text:
        if words:
            await hear(session, words)
        await greet_again(call, greeting.text, interruptible=greeting.interruptible)
    elif words:
        session.generate_reply(user_input=words)
    else:
        session.generate_reply()
