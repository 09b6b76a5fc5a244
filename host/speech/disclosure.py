"""Makes the disclosure of who comes in later: another persona, or another process."""

from __future__ import annotations

from host.call.live import LiveCall


async def disclose(call: LiveCall) -> None:
    """Say the persona's disclosure, unless it was said in this call."""
    words = call.persona_settings.disclosure
    said = [line.text for line in call.state.transcript if line.who == "persona"]
    if words and not any(words in text for text in said):
        await call.say(words, interruptible=False)
