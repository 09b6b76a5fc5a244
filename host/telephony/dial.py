"""Dials the outbound leg, waits for the answer, and names the outcome if there is none."""

from __future__ import annotations

import asyncio
import logging
import time

import aiohttp
from google.protobuf.duration_pb2 import Duration
from livekit import api
from livekit.agents import JobContext
from livekit.protocol import sip

from host.base.presses import SECONDS_A_KEY, in_livekits_notation
from host.base.sip import SipAddress
from host.call.dispatch import Dispatch
from host.call.live import LiveCall
from host.compliance import Verdict
from host.records.ending import CallEnded, Ending
from host.records.outcome import Outcome, outcome_of_sip_status
from host.settings.transfer import ANSWER_LIMIT
from host.telephony.far_end import ROOM_LIMIT, LiveKitFarEnd

log = logging.getLogger("host")

TRIES = 3
"""Attempts to dial while LiveKit SIP is too busy to send an INVITE."""


BRIDGED_LIMIT = 4 * 3600.0
"""Maximum seconds that a caller may talk to a colleague who was called into the room."""

NO_TRUNK = "no outbound trunk is configured: set HOST_TRUNK, or trunk in host.toml"

NO_CALLER_ID = "no caller ID for a SIP address: set caller_id"

CANCELLED = "the call was cancelled before it was answered"

_TRANSPORTS = {
    "auto": sip.SIP_TRANSPORT_AUTO,
    "udp": sip.SIP_TRANSPORT_UDP,
    "tcp": sip.SIP_TRANSPORT_TCP,
    "tls": sip.SIP_TRANSPORT_TLS,
}

MARGIN = 15.0
"""Seconds that LiveKit may take beyond ringing_timeout to report the result.

It counts ringing_timeout from the INVITE, which follows the join. Its own client allows only 2 s in
addition, after which the host would lose track of a telephone that still rings.
"""
NO_RESPONSE = 32.0
"""Seconds after which LiveKit SIP gives up on a silent trunk (RFC 3261, Timer B)."""

codes = api.ServerErrorCode
_FROM_SIP = "twirp error unknown: "
"""Prefix of errors that the LiveKit server relays from LiveKit SIP."""
_MISTAKES = (
    codes.INVALID_ARGUMENT,
    codes.NOT_FOUND,
    codes.PERMISSION_DENIED,
    codes.UNAUTHENTICATED,
)
"""Codes that, without a SIP status, mean a wrong request or trunk: not retryable."""
_UNSET = ("required auth", "auth retry", "auth header", "no numbers on outbound trunk")
"""Messages that mean the same, with a code that LiveKit SIP also uses for network failures."""


class NotAnswered(CallEnded):
    """The call was not answered; `ending` says why."""


async def dial(job: JobContext, call: LiveCall, far_end: LiveKitFarEnd) -> None:
    """Dial the call's number and wait for the answer. Raises NotAnswered."""
    trunk = call.persona_settings.trunk
    if not trunk:
        raise NotAnswered(Ending(Outcome.TRUNK_ERROR, "host", NO_TRUNK, retryable=False))
    assert far_end.identity is not None
    keys = call.dtmf
    if keys and (refused := far_end.keys.refuse(keys)):
        raise NotAnswered(blocked(refused))
    dtmf = in_livekits_notation(keys)
    ringing = min(call.persona_settings.ringing_timeout, ANSWER_LIMIT - len(dtmf) * SECONDS_A_KEY)
    shown = Dispatch(metadata=call.state.metadata).caller_id
    verdict = await asyncio.to_thread(call.gate.dial, call.state.number or "", caller_id=shown)
    if verdict.allowed:
        far_end.dialling()
    request = api.CreateSIPParticipantRequest(
        sip_trunk_id=trunk,
        sip_number=shown or call.persona_settings.caller_id or "",
        room_name=call.state.room,
        participant_identity=far_end.identity,
        participant_name=f"Phone {call.state.number}",
        wait_until_answered=True,
        ringing_timeout=duration(ringing),
        max_call_duration=duration(_longest(call)),
        dtmf=dtmf,
    )
    patience = min(ringing, NO_RESPONSE) - 0.5
    begun = time.monotonic()
    try:
        await ring(job.api, verdict, request)
    except NotAnswered as unanswered:
        error = unanswered.__cause__
        canceled = isinstance(error, api.ServerError) and error.code == codes.CANCELED
        early = canceled and time.monotonic() - begun <= patience
        if not (early or far_end.pressed_at_answer):
            raise
        # LiveKit SIP reports CANCELED both for no answer and for a closed room or a removed
        # participant. In the latter case the room's own event ends the call.
        await asyncio.wait({call.ending}, timeout=ROOM_LIMIT)
        if far_end.pressed_at_answer:
            reason = "the callee hung up while keys were pressed"
            raise NotAnswered(Ending(Outcome.ABANDONED, "far end", reason)) from error
        cancelled = Ending(Outcome.CANCELLED, "livekit", CANCELLED)
        raise NotAnswered(cancelled) from error
    if far_end.participant is None:
        reason = "the callee answered and hung up at once"
        raise NotAnswered(Ending(Outcome.ABANDONED, "far end", reason))
    if keys:
        far_end.keys.dialled(keys)


async def ring(
    livekit: api.LiveKitAPI, verdict: Verdict, request: api.CreateSIPParticipantRequest
) -> None:
    """Dial the number of the gate's verdict into a room and wait for the answer.

    Every dial goes through here. Raises NotAnswered, at once if the gate refuses.
    """
    if not verdict.allowed:
        raise NotAnswered(blocked(verdict))
    _address(request, verdict)
    limit = request.ringing_timeout.ToTimedelta().total_seconds() + MARGIN
    limit += len(request.dtmf) * SECONDS_A_KEY
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


def _address(request: api.CreateSIPParticipantRequest, verdict: Verdict) -> None:
    """Set whom the request dials: a number over its trunk, or a SIP address at its own host."""
    if verdict.number is not None:
        request.sip_call_to = verdict.number
        return
    address = SipAddress.parse(verdict.address or "")
    if address is None:
        reason = "the SIP address has no user or no host"
        raise NotAnswered(Ending(Outcome.BLOCKED, "host", reason))
    if not request.sip_number:
        raise NotAnswered(Ending(Outcome.TRUNK_ERROR, "host", NO_CALLER_ID, retryable=False))
    request.ClearField("sip_trunk_id")
    request.trunk.hostname = address.host
    request.trunk.transport = _TRANSPORTS[address.transport]
    request.sip_call_to = address.user


def blocked(verdict: Verdict) -> Ending:
    """Return the ending of a call that the gate refused, with the rule."""
    again = verdict.rule is not None and verdict.rule.passes
    return Ending(Outcome.BLOCKED, "host", str(verdict), retryable=again, retry_at=verdict.retry_at)


def name(error: api.ServerError) -> Ending:
    """Return the ending for a failed dial: by its SIP status if there is one.

    The Twirp code for a given SIP status differs between versions of LiveKit SIP. Without a SIP
    status, a cancelled or expired request means that the call was not answered.
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
    """True if LiveKit SIP refused before any INVITE, so that a retry can't ring twice."""
    return (
        error.code == codes.UNAVAILABLE
        and not isinstance(error, api.SipCallError)
        and ("cpu exhausted" in error.message or "no response from servers" in error.message)
    )


def _longest(call: LiveCall) -> float:
    """Return LiveKit SIP's own limit in seconds: a safety net well after the host's limits."""
    limits = call.persona_settings
    limit = call.time_limit + limits.ringing_timeout + 60
    further = call.settings.reachable_from(call.persona)
    limit += sum(call.settings.persona(name).max_duration for name in further)
    bridged = any(
        target.may_call for first in limits.transfers.values() for target in first.in_order()
    )
    return max(limit, BRIDGED_LIMIT) if bridged else limit


def duration(seconds: float | None) -> Duration | None:
    """Convert seconds for LiveKit's API: whole, at least 1; None and 0 stay unset."""
    return Duration(seconds=max(1, round(seconds))) if seconds else None
