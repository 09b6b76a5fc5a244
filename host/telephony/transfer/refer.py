"""Cold transfer: sends a SIP REFER and verifies its result."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping

import aiohttp
from livekit import api
from livekit.agents import JobContext
from livekit.protocol import sip

from host.call.live import LiveCall
from host.compliance import as_uri
from host.settings import TransferTarget
from host.telephony.dial import MARGIN, duration
from host.telephony.far_end import LiveKitFarEnd
from host.telephony.transfer.failure import ReferRefused, TransferFailed

HANGUP_NOTICE = 0.1
"""Seconds to wait for the far end's hang-up. LiveKit SIP reports a REFER cut short by a hang-up as
success; after a REFER that the target accepted, the far end's BYE arrives later than this."""

_UNTAKEN = (api.ServerErrorCode.CANCELED, api.ServerErrorCode.DEADLINE_EXCEEDED)
"""Codes for a missing NOTIFY, and in LiveKit SIP of 2025 also for a busy target."""


_TARGET_FAILED = "call transfer failed"
"""LiveKit SIP's text for a target that did not take the call, whichever its status. Every other SIP
status is the far end's own answer to the REFER."""
_REFUSED = re.compile(r"SIP REFER (?:failed with code (\d{3})|was denied)")
"""Texts of LiveKit SIP 1.0 for a REFER that was refused, without a status beside them. It says
"denied" for 403."""


async def refer(
    job: JobContext,
    call: LiveCall,
    far_end: LiveKitFarEnd,
    target: TransferTarget,
    headers: Mapping[str, str] | None = None,
) -> None:
    """Transfer the far end to a number, with ringback meanwhile.

    Raises TransferFailed, and ReferRefused if the far end won't be referred.
    """
    if far_end.identity is None:
        raise TransferFailed("there is no call to transfer")
    require(call, target)
    request = api.TransferSIPParticipantRequest(
        room_name=call.state.room,
        participant_identity=far_end.identity,
        transfer_to=as_uri(target.number),
        play_dialtone=True,
        ringing_timeout=duration(target.ringing_timeout),
        headers=dict(headers or {}),
    )
    try:
        answer = await job.api.sip.transfer_sip_participant(
            request, timeout=target.ringing_timeout + MARGIN
        )
    except api.SipCallError as error:
        status = error.sip_status_code
        failed = TransferFailed if _TARGET_FAILED in error.message else ReferRefused
        raise failed(f"the carrier answered {status}", status) from error
    except api.ServerError as error:
        if refused := _REFUSED.search(error.message):
            status = int(refused[1] or 403)
            raise ReferRefused(f"the carrier answered {status}", status) from error
        if error.code in _UNTAKEN:
            raise TransferFailed("the target did not take the call") from error
        raise TransferFailed(f"LiveKit refused the transfer: {error.message}") from error
    except TimeoutError as error:
        raise TransferFailed("the transfer timed out") from error
    except (OSError, aiohttp.ClientError) as error:
        raise TransferFailed("LiveKit can't be reached") from error
    await _make_sure(answer, call, far_end)


async def _make_sure(
    answer: sip.TransferSIPParticipantResponse, call: LiveCall, far_end: LiveKitFarEnd
) -> None:
    """Treat the transfer as successful unless LiveKit or a hang-up contradicts it."""
    if answer.status == sip.STS_TRANSFER_SUCCESSFUL:
        return
    if answer.reason == sip.STR_CALL_ENDED:
        raise TransferFailed(f"the {call.state.other_party} hung up")
    if answer.status == sip.STS_TRANSFER_FAILED:
        status = answer.sip_status.code or None
        raise TransferFailed("the target did not take the call", status)
    await asyncio.wait({call.ending}, timeout=HANGUP_NOTICE)
    if call.over or far_end.left:
        raise TransferFailed(f"the {call.state.other_party} hung up")


def require(call: LiveCall, target: TransferTarget) -> None:
    """Raise TransferFailed if the gate refuses the target."""
    verdict = call.gate.transfer(target.number, target.presses)
    if not verdict.allowed:
        raise TransferFailed(str(verdict))
