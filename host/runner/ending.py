"""How a call ends: what broke is named, and whoever is left on the line is let go."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import Any

from livekit.agents import JobContext

from host.base.errors import MetadataError
from host.call.live import LINGER, LiveCall
from host.dispatch.arbitration import end_room
from host.dispatch.idempotency import NotClaimed
from host.dispatch.rooms import notify_watchers
from host.records.ending import CallEnded, Ending
from host.records.outcome import Outcome
from host.runner.limits import end_with_words
from host.speech.apology import apologise

log = logging.getLogger("host")

SESSION_LIMIT = 3.0
"""Seconds that a session may take to close, once nobody is on the line any more."""
HOOKS_LIMIT = 10.0
"""Seconds that event hooks may take after the call is over."""
GOODBYE_LIMIT = 8.0
"""Seconds that the goodbye of a host may take that is being stopped."""
STOPPED = "the host was stopped"
DIED = "the host process died"


class Refused(Exception):
    """The host does not take this call."""


async def fail(call: LiveCall, error: BaseException) -> None:
    """Name what stopped the call from going on, and apologise where somebody listens."""
    if isinstance(error, CallEnded):
        call.end(error.ending)
    elif isinstance(error, Refused | MetadataError | NotClaimed):
        log.warning("call in room %s refused: %s", call.state.room, error)
        call.end(Ending(Outcome.REFUSED, "host", str(error).rstrip(".")))
    else:
        log.error("%r failed", call, exc_info=error)
        await apologise(call)
        text = call.keypad.hide(f"{type(error).__name__}: {error}")
        call.end(Ending(Outcome.FAILED, "host", Outcome.FAILED.description, error=text))


def say_goodbye(call: LiveCall) -> None:
    """Say goodbye and end the call: the host is being stopped."""
    call.spawn(end_with_goodbye(call), "saying goodbye")


def end_orphaned(call: LiveCall) -> None:
    """End the call at once: the parent is gone, and with it whoever holds this call's limits."""
    call.end(Ending(Outcome.FAILED, "host", DIED))


async def end_with_goodbye(call: LiveCall) -> None:
    """End a call because the host is being stopped: not without a word, where one is heard."""
    if call.state.answered and not call.state.connected:
        words = call.persona_settings.words.stopped
        await end_with_words(call, words, STOPPED, Outcome.FAILED, limit=GOODBYE_LIMIT)
    call.end(Ending(Outcome.FAILED, "host", STOPPED))


async def tear_down(job: JobContext, call: LiveCall) -> None:
    """Hang up and leave nothing behind. Nothing here may stop the rest of it."""
    ending = call.ending.result()
    if ending.outcome is Outcome.TRANSFERRED and call.far_end and not call.state.connected:
        await call.far_end.gone(2.0)  # LiveKit SIP says goodbye itself, a second after the REFER
    elif call.state.answered and ending.by in ("persona", "host"):
        await asyncio.sleep(LINGER)
    told = {"host.outcome": ending.outcome.value, "host.reason": ending.reason}
    if ending.sip_status:
        told["host.sip_status"] = str(ending.sip_status)
    told["host.retryable"] = str(ending.worth_a_retry)
    # Who misses this takes a call for cancelled that was busy. It holds nobody up.
    await asyncio.gather(notify_watchers(job.room, told), _hang_up(call))
    with log_errors("stopping a transfer"):
        if call.transfers:
            await call.transfers.close()
    with log_errors("closing the session"):
        if call.session:
            await asyncio.wait_for(call.session.aclose(), SESSION_LIMIT)
    with log_errors("closing the recording"):
        if call.recorder:
            await call.recorder.close()
    with log_errors("leaving the room"):
        if call.far_end:
            await call.far_end.leave()
        else:  # we never were in the room: it may be another agent's
            await end_room(job.api, call.state.room, besides=job.job.id)
    await call.settle(HOOKS_LIMIT)  # `call_ended` is the last that is told


async def _hang_up(call: LiveCall) -> None:
    with log_errors("hanging up"):
        if call.far_end:
            await call.far_end.hang_up()


class log_errors(contextlib.AbstractContextManager[None]):
    """Log what goes wrong and go on: the rest of an ending must still happen."""

    def __init__(self, what: str) -> None:
        self.what = what

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        if isinstance(error, Exception):
            log.error("%s failed", self.what, exc_info=error)
            return True
        return False
