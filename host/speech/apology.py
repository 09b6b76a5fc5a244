"""What a call gets that can't go on: an apology that needs no provider, then the end of it."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from host.base.clock import now
from host.base.errors import HostError
from host.call import parts
from host.call.live import LiveCall
from host.records.ending import Ending
from host.records.outcome import Outcome
from host.records.record import Utterance
from host.speech.prompts import PromptPlayer, sound_of

log = logging.getLogger("host")

APOLOGY_LIMIT = 12.0
"""Seconds that an apology may take, with the answering of a caller who still rings."""
BREAK_LIMIT = 0.5
"""Seconds that what is being said may take to be broken off."""
SUMMARY = "Something went wrong with the assistant."
"""What a colleague is told of a call whose providers failed."""


async def fail_gracefully(call: LiveCall, reason: str, error: str | None = None) -> None:
    """Apologise and end a call as failed; where `transfer_on_failure` is set, hand it over."""
    if call.over or call.state.connected or call.giving_up:
        return
    call.giving_up = True
    error = error and call.keypad.hide(error)
    log.error("the call can't continue: %s", f"{reason}: {error}" if error else reason)
    handed_over = False
    try:
        with call.hold_replies():
            handed_over = await _hand_over(call)
            if not handed_over:
                await apologise(call)
    finally:
        if not handed_over:
            call.end(Ending(Outcome.FAILED, "host", reason, error=error))


async def apologise(call: LiveCall, words: str | None = None) -> None:
    """Say that something went wrong, if somebody is there to hear it. Never raises."""
    if call.far_end is None or call.job is None or not call.job.room.isconnected():
        return
    if (
        call.state.connected
        or _with_a_machine(call)
        or (call.state.outbound and not call.state.answered)
    ):
        return
    words = words or call.persona_settings.words.apology
    try:
        async with asyncio.timeout(APOLOGY_LIMIT):
            with call.hold_replies():
                voice = room_voice(call)
                sound, _, _ = await asyncio.gather(
                    sound_of(call, words), voice.open(), _break_off(call)
                )
                await call.far_end.answered()
                note_said(call, words)
                await voice.play(sound)
    except Exception as failure:
        log.warning("the apology was not played: %s", failure or type(failure).__name__)


def room_voice(call: LiveCall) -> parts.PromptPlayer:
    """Return the voice that a call has beside its session's."""
    assert call.job is not None
    if call.prompt_player is None:
        call.prompt_player = PromptPlayer(call.job.room)
    return call.prompt_player


def note_said(call: LiveCall, words: str) -> None:
    """Keep for the record what was said without the session."""
    call.state.transcript.append(Utterance(at=now(), who="persona", text=words))


async def _hand_over(call: LiveCall) -> bool:
    """Hand the call over as `transfer_on_failure` says; False where nobody takes it."""
    target = call.persona_settings.transfer_on_failure
    if not target or not call.state.answered or _with_a_machine(call):
        return False
    await apologise(call, call.persona_settings.words.apology_transfer)
    try:
        await call.transfer(target, announcement="", summary=SUMMARY)
    except HostError as refusal:
        log.warning("transfer_on_failure: %s", refusal)
        return False
    except Exception:
        log.exception("transfer_on_failure: the transfer to %s failed unexpectedly", target)
        return False
    return True


async def _break_off(call: LiveCall) -> None:
    """Let the session say no more."""
    session = call.session
    if session is None:
        return
    with contextlib.suppress(Exception):  # it may be closing, or never have begun
        broken_off = session.interrupt(force=True)
        await asyncio.wait({asyncio.ensure_future(broken_off)}, timeout=BREAK_LIMIT)
    with contextlib.suppress(Exception):
        session.output.set_audio_enabled(False)


def _with_a_machine(call: LiveCall) -> bool:
    return call.state.voicemail is not None and call.state.voicemail.machine
