"""Ends a call: names the failure, hangs up and cleans up."""

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
"""Seconds that a session may take to close after the hang-up."""
HOOKS_LIMIT = 10.0
"""Seconds that event hooks may take after the call has ended."""
GOODBYE_LIMIT = 8.0
"""Seconds that the goodbye of a stopping host may take."""
STOPPED = "the host was stopped"
DIED = "the host process died"


class Refused(Exception):
    """The host refuses the call."""


async def fail(call: LiveCall, error: BaseException) -> None:
    """End the call with the outcome for this error; apologise after an unexpected one."""
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
    """Say goodbye and end the call, because the host is stopping."""
    call.spawn(end_with_goodbye(call), "saying goodbye")


def end_orphaned(call: LiveCall) -> None:
    """End the call at once: the parent, which enforces its limits, is gone."""
    call.end(Ending(Outcome.FAILED, "host", DIED))


async def end_with_goodbye(call: LiveCall) -> None:
    """End the call because the host is stopping, with a goodbye if it is answered."""
    if call.state.answered and not (call.state.connected or call.bridged):
        words = call.persona_settings.words.stopped
        await end_with_words(call, words, STOPPED, Outcome.FAILED, limit=GOODBYE_LIMIT)
    call.end(Ending(Outcome.FAILED, "host", STOPPED))


async def tear_down(job: JobContext, call: LiveCall) -> None:
    """Hang up, notify watchers and clean up. An error in one step does not stop the others."""
    ending = call.ending.result()
    if ending.outcome is Outcome.TRANSFERRED and call.far_end and not call.state.connected:
        await call.far_end.gone(2.0)  # LiveKit SIP sends the BYE itself, 1 s after the REFER
    elif call.state.answered and ending.by in ("persona", "host"):
        await asyncio.sleep(LINGER)
    attributes = {"host.outcome": ending.outcome.value, "host.reason": ending.reason}
    if ending.sip_status:
        attributes["host.sip_status"] = str(ending.sip_status)
    attributes["host.retryable"] = str(ending.worth_a_retry)
    if ending.retry_at:
        attributes["host.retry_at"] = ending.retry_at.isoformat()
    # Sent together with the hang-up: without it, a watcher takes a busy call for cancelled.
    await asyncio.gather(notify_watchers(job.room, attributes), _hang_up(call))
    with log_errors("stopping a transfer"):
        if call.transfers:
            await call.transfers.close()
    closing = asyncio.create_task(_close_session(call), name="closing the session")
    if not call.state.answered:
        # A dial may be under way: its telephone would enter the room anew, and stay there alone.
        await closing
    # Nobody hears the persona any more. Its session waits a second for the transcript of the last
    # words, and the room does not.
    await _leave(job, call)
    await closing
    with log_errors("closing the recording"):
        if call.recorder:
            await call.recorder.close()
    await call.settle(HOOKS_LIMIT)  # `call_ended` comes last


async def _hang_up(call: LiveCall) -> None:
    with log_errors("hanging up"):
        if call.far_end:
            await call.far_end.hang_up()


async def _close_session(call: LiveCall) -> None:
    with log_errors("closing the session"):
        if call.session:
            await asyncio.wait_for(call.session.aclose(), SESSION_LIMIT)


async def _leave(job: JobContext, call: LiveCall) -> None:
    with log_errors("leaving the room"):
        if call.far_end:
            await call.far_end.leave()
        else:  # the agent never joined the room, which may be another agent's
            await end_room(job.api, call.state.room, besides=job.job.id)
    call.on_left()


class log_errors(contextlib.AbstractContextManager[None]):
    """Log exceptions and suppress them, so that later steps still run."""

    def __init__(self, what: str) -> None:
        self.what = what

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        if isinstance(error, Exception):
            log.error("%s failed", self.what, exc_info=error)
            return True
        return False
