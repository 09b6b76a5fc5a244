"""Cold transfer: sends the far end away by SIP REFER, and makes sure of what became of it."""

from __future__ import annotations

import asyncio

import aiohttp
from livekit import api
from livekit.agents import JobContext
from livekit.protocol import sip

from host.call.live import LiveCall
from host.compliance import as_uri
from host.settings import TransferTarget
from host.telephony.dial import MARGIN, duration
from host.telephony.far_end import LiveKitFarEnd
from host.telephony.transfer.failure import TransferFailed

HANGUP_NOTICE = 0.1
"""Seconds in which we hear that the far end hung up. A REFER that a hang-up cut short is a success
to LiveKit SIP; after one that the target took, the other side's goodbye comes later than this."""

_UNTAKEN = (api.ServerErrorCode.CANCELED, api.ServerErrorCode.DEADLINE_EXCEEDED)
"""What LiveKit says where no NOTIFY came, and in 2025 of a target that was busy too."""


async def refer(
    job: JobContext, call: LiveCall, line: LiveKitFarEnd, target: TransferTarget
) -> None:
    """Send the far end to another number; it hears ringing meanwhile. Raises TransferFailed."""
    if line.identity is None:
        raise TransferFailed("there is no call to transfer")
    require(call, target)
    request = api.TransferSIPParticipantRequest(
        room_name=call.state.room,
        participant_identity=line.identity,
        transfer_to=as_uri(target.number),
        play_dialtone=True,
        ringing_timeout=duration(target.ringing_timeout),
    )
    try:
        answer = await job.api.sip.transfer_sip_participant(
            request, timeout=target.ringing_timeout + MARGIN
        )
    except api.SipCallError as error:
        status = error.sip_status_code
        raise TransferFailed(f"the carrier answered {status}", status) from error
    except api.ServerError as error:
        if error.code in _UNTAKEN:
            raise TransferFailed("the target did not take the call") from error
        raise TransferFailed(f"LiveKit refused the transfer: {error.message}") from error
    except TimeoutError as error:
        raise TransferFailed("the transfer timed out") from error
    except (OSError, aiohttp.ClientError) as error:
        raise TransferFailed("LiveKit can't be reached") from error
    await _make_sure(answer, call, line)


async def _make_sure(
    answer: sip.TransferSIPParticipantResponse, call: LiveCall, line: LiveKitFarEnd
) -> None:
    """Believe in a transfer unless LiveKit, or the far end by leaving, says otherwise."""
    if answer.status == sip.STS_TRANSFER_SUCCESSFUL:
        return
    if answer.reason == sip.STR_CALL_ENDED:
        raise TransferFailed(f"the {call.state.other_party} hung up")
    if answer.status == sip.STS_TRANSFER_FAILED:
        status = answer.sip_status.code or None
        raise TransferFailed("the target did not take the call", status)
    await asyncio.wait({call.ending}, timeout=HANGUP_NOTICE)
    if call.over or line.left:
        raise TransferFailed(f"the {call.state.other_party} hung up")


def require(call: LiveCall, target: TransferTarget) -> None:
    """Raise TransferFailed where the gate refuses a target."""
    verdict = call.gate.transfer(target.number)
    if not verdict.allowed:
        raise TransferFailed(str(verdict))
