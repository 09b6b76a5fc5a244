"""Ends a call that can't continue: a cached apology, then a transfer or a hang-up."""

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
"""Maximum seconds for an apology, answering a ringing caller included."""
BREAK_LIMIT = 0.5
"""Seconds to wait for current speech to be interrupted."""
SUMMARY = "Something went wrong with the assistant."
"""Summary given to the colleague when a call is transferred because its providers failed."""


async def fail_gracefully(call: LiveCall, reason: str, error: str | None = None) -> None:
    """Apologise, then transfer to `transfer_on_failure` if set, else end the call as failed."""
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
    """Play the apology, or other words, if a person is on the line. Never raises."""
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
                player = prompt_player_of(call)
                sound, _, _ = await asyncio.gather(
                    sound_of(call, words), player.open(), _break_off(call)
                )
                await call.far_end.answered()
                add_utterance(call, words)
                await player.play(sound)
    except Exception as failure:
        log.warning("the apology was not played: %s", failure or type(failure).__name__)


def prompt_player_of(call: LiveCall) -> parts.PromptPlayer:
    """Return the call's prompt player, created on first use."""
    assert call.job is not None
    if call.prompt_player is None:
        call.prompt_player = PromptPlayer(call.job.room)
    return call.prompt_player


def add_utterance(call: LiveCall, words: str) -> None:
    """Append words spoken outside the session to the transcript."""
    at = now()
    text = call.unrecorded.spoken(words, at)
    call.state.transcript.append(Utterance(at=at, who="persona", text=text))


async def _hand_over(call: LiveCall) -> bool:
    """Transfer to `transfer_on_failure`; False if unset, or if the target does not accept."""
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
    """Interrupt the session's speech and disable its audio output."""
    session = call.session
    if session is None:
        return
    with contextlib.suppress(Exception):  # the session may be closing, or not started
        broken_off = session.interrupt(force=True)
        await asyncio.wait({asyncio.ensure_future(broken_off)}, timeout=BREAK_LIMIT)
    with contextlib.suppress(Exception):
        session.output.set_audio_enabled(False)


def _with_a_machine(call: LiveCall) -> bool:
    return call.state.voicemail is not None and call.state.voicemail.machine
