"""Cold transfer by REFER (RFC 3515; livekit-sip `transferSIPParticipant`).

The caller's time with the target is not simulated; the ledger has the result.
"""

import asyncio
from dataclasses import dataclass

from host.local.exchange.call import PhoneCall
from host.local.exchange.errors import FROM_SIP_NODE, TwirpError
from host.local.exchange.facts import Ending, TransferReply
from host.local.exchange.office import Office
from host.local.exchange.subscriber import REASONS, Subscriber

BYE_AFTER = 1.0
"""Seconds that livekit-sip waits for the far end's BYE before it sends its own."""

LEAVING = 5.0
"""Seconds that a leg may take to leave its room."""


def number_of(uri: str) -> str:
    """Return the number in a `tel:` or `sip:` URI. Raises TwirpError."""
    inner = uri[1:-1] if uri.startswith("<") and uri.endswith(">") else uri
    scheme, colon, rest = inner.partition(":")
    if not colon or scheme not in ("tel", "sip", "sips"):
        text = "transfer_to must be a valid SIP(s) or TEL URI (sip:, sips: or tel:)"
        raise TwirpError("invalid_argument", text)
    return rest.partition("@")[0].partition(";")[0]


@dataclass
class _Pending:
    target: str
    outcome: asyncio.Task[None]


class Transfers:
    """Transfers in progress, at most one for each call."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._pending: dict[PhoneCall, _Pending] = {}

    async def transfer(
        self, call: PhoneCall, uri: str, target: Subscriber, limit: float, dialtone: bool
    ) -> None:
        """Refer a call to `uri`; returns when the target has answered. Raises TwirpError."""
        if not call.answered_at:
            text = "can't transfer non established call"
            raise TwirpError("failed_precondition", FROM_SIP_NODE + text)
        pending = self._pending.get(call)
        if pending and pending.target != uri:
            text = "call already being transferred elsewhere"
            raise TwirpError("invalid_argument", FROM_SIP_NODE + text)
        if not pending:
            outcome = asyncio.create_task(self._refer(call, uri, target, limit, dialtone))
            outcome.add_done_callback(lambda done: done.cancelled() or done.exception())
            pending = self._pending[call] = _Pending(uri, outcome)
            outcome.add_done_callback(lambda _: self._pending.pop(call, None))
        await asyncio.shield(pending.outcome)

    async def _refer(
        self, call: PhoneCall, uri: str, target: Subscriber, limit: float, dialtone: bool
    ) -> None:
        number, profile, reply = number_of(uri), self._office.profile, call.on_transfer
        self._office.write(call, "REFER", f"{call.number} to {uri}", number)
        if reply.refused:
            self._office.write(call, "FINAL", str(reply.refused), number)
            raise profile.refer_refused(reply.refused, REASONS.get(reply.refused, ""))
        call.media.ringback_in = dialtone
        try:
            status, reason = await _notified(call, target, reply, limit)
        finally:
            call.media.ringback_in = False
        self._office.write(call, "NOTIFY", f"{status} {reason}", number)
        if call.over.done():
            # LiveKit SIP reports success at about the time the room learns of the hang-up. The
            # order is fixed here, so that tests do not depend on it.
            if leg := self._office.legs.get(call):
                await asyncio.wait_for(leg.left.wait(), LEAVING)
        elif status == 200:
            call.transferred_to = number
            loop = asyncio.get_running_loop()
            loop.call_later(BYE_AFTER, call.end, Ending("far end", "transferred"))
        elif status:
            raise profile.transfer_failed(status, reason)
        else:
            raise TwirpError("canceled", FROM_SIP_NODE + "context deadline exceeded")


async def _notified(
    call: PhoneCall, target: Subscriber, reply: TransferReply, limit: float
) -> tuple[int, str]:
    """Wait for the final NOTIFY or the caller's hang-up; status 0: no NOTIFY."""
    status, after, reason = target.status, target.after, target.phrase
    if reply.notify is not None:
        status, after, reason = reply.notify, 0.1, REASONS.get(reply.notify, "")
    silent = status == 0 or after > limit
    await asyncio.wait([call.over], timeout=limit if silent else after)
    return (0, "no NOTIFY") if silent or call.over.done() else (status, reason)
