"""The outbound leg: dial, wait for an answer, name the outcome where there is none."""

from __future__ import annotations

import asyncio
import logging
import time

import aiohttp
from google.protobuf.duration_pb2 import Duration
from livekit import api
from livekit.agents import JobContext

from host.call.live import LiveCall
from host.compliance import Verdict
from host.records.ending import CallEnded, Ending
from host.records.outcome import Outcome, outcome_of_sip_status
from host.telephony.far_end import LiveKitFarEnd

log = logging.getLogger("host")

TRIES = 3
"""How often a dial is tried that LiveKit SIP refused before it sent an INVITE: it was too busy."""


BRIDGED_LIMIT = 4 * 3600.0
"""Seconds that somebody who was connected to a colleague may stay on the line."""
ROOM_LIMIT = 1.0
"""Seconds in which we hear that our room was closed."""

NO_TRUNK = "no outbound trunk is configured: set HOST_TRUNK, or trunk in host.toml"

MARGIN = 15.0
"""Seconds beyond the ringing that LiveKit may take to say how it went.

It counts the ringing from the INVITE, and joins the room before; its own client allows 2 s for all
that, after which nobody would know of a telephone that still rings.
"""
NO_RESPONSE = 32.0
"""Seconds after which LiveKit SIP gives up a trunk that does not respond (RFC 3261 Timer B)."""

codes = api.ServerErrorCode
_FROM_SIP = "twirp error unknown: "
"""What LiveKit puts before an error that it has from LiveKit SIP."""
_MISTAKES = (
    codes.INVALID_ARGUMENT,
    codes.NOT_FOUND,
    codes.PERMISSION_DENIED,
    codes.UNAUTHENTICATED,
)
"""Without a SIP status, these are about our request or our trunk: it will be so the next time."""
_UNSET = ("required auth", "auth retry", "auth header", "no numbers on outbound trunk")
"""So are these, whose code LiveKit SIP has for failures of the network too."""


class NotAnswered(CallEnded):
    """Nobody picked up. `ending` says why."""


async def dial(job: JobContext, call: LiveCall, line: LiveKitFarEnd) -> None:
    """Dial the call's number and wait until somebody answers. Raises NotAnswered."""
    trunk = call.persona_settings.trunk
    if not trunk:
        raise NotAnswered(Ending(Outcome.TRUNK_ERROR, "host", NO_TRUNK, retryable=False))
    assert line.identity is not None
    verdict = await asyncio.to_thread(call.gate.dial, call.state.number or "")
    if verdict.allowed:
        line.dialling()
    request = api.CreateSIPParticipantRequest(
        sip_trunk_id=trunk,
        sip_number=call.persona_settings.caller_id or "",
        room_name=call.state.room,
        participant_identity=line.identity,
        participant_name=f"Phone {call.state.number}",
        wait_until_answered=True,
        ringing_timeout=duration(call.persona_settings.ringing_timeout),
        max_call_duration=duration(_longest(call)),
    )
    patience = min(call.persona_settings.ringing_timeout, NO_RESPONSE) - 0.5
    begun = time.monotonic()
    try:
        await ring(job.api, verdict, request)
    except NotAnswered as unanswered:
        error = unanswered.__cause__
        canceled = isinstance(error, api.ServerError) and error.code == codes.CANCELED
        if not canceled or time.monotonic() - begun > patience:
            raise
        # LiveKit SIP says the same where nobody answered in time, and where somebody closed the
        # room or removed the far end. The room's own word, if there is one, ends the call.
        await asyncio.wait({call.ending}, timeout=ROOM_LIMIT)
        cancelled = Ending(Outcome.CANCELLED, "livekit", Outcome.CANCELLED.description)
        raise NotAnswered(cancelled) from error
    if line.participant is None:
        reason = "the callee answered and hung up at once"
        raise NotAnswered(Ending(Outcome.ABANDONED, "far end", reason))


async def ring(
    livekit: api.LiveKitAPI, verdict: Verdict, request: api.CreateSIPParticipantRequest
) -> None:
    """Ring the number of the gate's verdict into a room, and wait until somebody answers.

    Nothing else dials. Raises NotAnswered, at once where the gate refuses.
    """
    if not verdict.allowed:
        raise NotAnswered(blocked(verdict))
    if verdict.number is None:
        reason = "SIP addresses are not dialled over the trunk"
        raise NotAnswered(Ending(Outcome.BLOCKED, "host", reason))
    request.sip_call_to = verdict.number
    limit = request.ringing_timeout.ToTimedelta().total_seconds() + MARGIN
    for left in reversed(range(TRIES)):
        try:
            await livekit.sip.create_sip_participant(request, timeout=limit)
            return
        except api.ServerError as error:
            if not (left and _never_sent(error)):
                raise NotAnswered(name(error)) from error
            log.warning("LiveKit SIP was too busy to dial, retrying")
            await asyncio.sleep(1.5)
        except (TimeoutError, aiohttp.ClientError) as error:
            reason = f"LiveKit did not report whether the callee answered: {type(error).__name__}"
            raise NotAnswered(Ending(Outcome.TRUNK_ERROR, "livekit", reason)) from error


def blocked(verdict: Verdict) -> Ending:
    """Say that the gate refused, and by which rule."""
    again = verdict.rule is not None and verdict.rule.passes
    return Ending(Outcome.BLOCKED, "host", str(verdict), retryable=again)


def name(error: api.ServerError) -> Ending:
    """Name why a dial failed, by its SIP status alone where there is one.

    The Twirp code of one and the same SIP status changed from version to version of LiveKit SIP;
    without a SIP status, a cancelled or expired request means that nobody answered in time.
    """
    status = error.sip_status_code if isinstance(error, api.SipCallError) else None
    if status is not None:
        outcome = outcome_of_sip_status(status)
        return Ending(outcome, "far end", f"{outcome.description} (SIP {status})", status)
    if error.code in (codes.CANCELED, codes.DEADLINE_EXCEEDED):
        return Ending(Outcome.NO_ANSWER, "far end", Outcome.NO_ANSWER.description)
    said = error.message.removeprefix(_FROM_SIP) or f"HTTP status {error.status}"
    reason = f"{Outcome.TRUNK_ERROR.description}, LiveKit reports: {said}"
    again = not (error.code in _MISTAKES or any(text in said for text in _UNSET))
    return Ending(Outcome.TRUNK_ERROR, "livekit", reason, error=error.code, retryable=again)


def _never_sent(error: api.ServerError) -> bool:
    """True where LiveKit SIP refused before any INVITE, so that dialling again rings only once."""
    return (
        error.code == codes.UNAVAILABLE
        and not isinstance(error, api.SipCallError)
        and ("cpu exhausted" in error.message or "no response from servers" in error.message)
    )


def _longest(call: LiveCall) -> float:
    """Seconds after which LiveKit SIP ends the call by itself: well after we should have."""
    limits = call.persona_settings
    ours = call.time_limit + limits.ringing_timeout + 60
    bridged = any(target.warm for target in limits.transfers.values())
    return max(ours, BRIDGED_LIMIT) if bridged else ours


def duration(seconds: float | None) -> Duration | None:
    """Write seconds as LiveKit's API takes them: whole, at least one; None stays unset."""
    return Duration(seconds=max(1, round(seconds))) if seconds else None
