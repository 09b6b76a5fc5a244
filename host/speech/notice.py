"""What must be heard before anything else, and the recording that it tells of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from livekit.agents import AgentSession, ErrorEvent, UserStateChangedEvent, tts

from host.call.live import LiveCall
from host.call.speech import say_exactly


async def give_notice(call: LiveCall, notice: str) -> bool:
    """Say the notice to its end, and begin the recording, if there is to be one.

    Returns True where the far end talked into it: what it said is not answered yet.
    """
    session = call.session
    if session is None or not (notice or call.recorder):
        return False
    with call.hold_replies(), _listening(session) as told:
        heard = ""
        if notice:
            speech = say_exactly(session, notice, interruptible=False)
            await speech.wait_for_playout()
            if not (told.failed or speech.interrupted or speech.exception()):
                heard = notice
        if call.recorder:
            await call.recorder.begin(heard)
        return told.talked


@dataclass
class _Told:
    talked: bool
    """The far end talked."""
    failed: bool = False
    """The voice could not say it all."""


@contextmanager
def _listening(session: AgentSession[Any]) -> Iterator[_Told]:
    """Find out whether the far end talks meanwhile, and whether the voice fails."""
    told = _Told(session.user_state == "speaking")

    def talked(event: UserStateChangedEvent) -> None:
        told.talked = told.talked or event.new_state == "speaking"

    def failed(event: ErrorEvent) -> None:
        # A voice that fails ends a speech as if it had been spoken (LiveKit 1.8.9).
        if isinstance(event.error, tts.TTSError) and not event.error.recoverable:
            told.failed = True

    session.on("user_state_changed", talked)
    session.on("error", failed)
    try:
        yield told
    finally:
        session.off("user_state_changed", talked)
        session.off("error", failed)
