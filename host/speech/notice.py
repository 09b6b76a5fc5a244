"""Speaks the notice that precedes the greeting, and starts the recording it announces."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from livekit.agents import AgentSession, ErrorEvent, UserStateChangedEvent, tts

from host.call.live import LiveCall


async def give_notice(call: LiveCall, notice: str) -> bool:
    """Speak the notice to its end, then start the recording if there is one.

    Returns True if the far end spoke meanwhile: that is still to be answered.
    """
    session = call.session
    if session is None or not (notice or call.recorder):
        return False
    with call.hold_replies(), _listening(session) as observed:
        heard = ""
        if notice:
            speech = call.speak(notice, interruptible=False)
            await speech.wait_for_playout()
            if not (observed.failed or speech.interrupted or speech.exception()):
                heard = notice
        if call.recorder:
            await call.recorder.begin(heard)
        return observed.talked


@dataclass
class _Observed:
    talked: bool
    """The far end spoke."""
    failed: bool = False
    """The TTS failed before the end of the notice."""


@contextmanager
def _listening(session: AgentSession[Any]) -> Iterator[_Observed]:
    """Observe whether the far end speaks and whether the TTS fails."""
    observed = _Observed(session.user_state == "speaking")

    def talked(event: UserStateChangedEvent) -> None:
        observed.talked = observed.talked or event.new_state == "speaking"

    def failed(event: ErrorEvent) -> None:
        # A TTS that fails ends a speech as if it was complete (LiveKit 1.8.9).
        if isinstance(event.error, tts.TTSError) and not event.error.recoverable:
            observed.failed = True

    session.on("user_state_changed", talked)
    session.on("error", failed)
    try:
        yield observed
    finally:
        session.off("user_state_changed", talked)
        session.off("error", failed)
