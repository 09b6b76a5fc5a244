"""Goes on with a conversation that was broken off to make sure that a person is there."""

from __future__ import annotations

from host.call.live import LiveCall
from host.speech.first_words import hear
from host.speech.greeting import greeting_of


async def resume(call: LiveCall, heard: str, *, greet_again: bool) -> None:
    """Answer what was heard, or say the greeting that has not been heard to its end."""
    session, greeting = call.session, greeting_of(call)
    if session is None or call.over:
        return
    words = (call.first_words.take() if call.first_words else "") or heard
    if greet_again and greeting.text:
        if words:
            await hear(session, words)
        await call.say(greeting.text, interruptible=greeting.interruptible)
    elif words:
        session.generate_reply(user_input=words)
    else:
        session.generate_reply()
