"""What LiveKit has: every trunk and dispatch rule of the project."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from google.protobuf.message import Message
from livekit import api
from livekit.protocol.models import Pagination
from livekit.protocol.sip import (
    ListSIPDispatchRuleRequest,
    ListSIPInboundTrunkRequest,
    ListSIPOutboundTrunkRequest,
    SIPDispatchRuleInfo,
    SIPInboundTrunkInfo,
    SIPOutboundTrunkInfo,
)

M = TypeVar("M", bound=Message)

PAGE = 100
"""Trunks or rules that are asked for at once."""


@dataclass(frozen=True)
class Found:
    """The trunks and rules of a LiveKit project, the oldest first."""

    inbound: Sequence[SIPInboundTrunkInfo]
    outbound: Sequence[SIPOutboundTrunkInfo]
    rules: Sequence[SIPDispatchRuleInfo]


async def read(livekit: api.LiveKitAPI) -> Found:
    """Read everything; changes nothing. Raises what the client raises."""
    sip = livekit.sip
    return Found(
        await _all(
            lambda page: sip.list_inbound_trunk(ListSIPInboundTrunkRequest(page=page)),
            lambda trunk: trunk.sip_trunk_id,
        ),
        await _all(
            lambda page: sip.list_outbound_trunk(ListSIPOutboundTrunkRequest(page=page)),
            lambda trunk: trunk.sip_trunk_id,
        ),
        await _all(
            lambda page: sip.list_dispatch_rule(ListSIPDispatchRuleRequest(page=page)),
            lambda rule: rule.sip_dispatch_rule_id,
        ),
    )


async def _all(
    list_page: Callable[[Pagination], Awaitable[Any]], id_of: Callable[[M], str]
) -> list[M]:
    """Read page after page. A server that knows no pages answers with everything at once."""
    items: dict[str, M] = {}
    page = Pagination(limit=PAGE)
    while True:
        answer = await list_page(page)
        fresh = {id_of(item): item for item in answer.items if id_of(item) not in items}
        items |= fresh
        if not fresh or len(answer.items) != PAGE:
            return sorted(items.values(), key=lambda item: (_made_at(item), id_of(item)))
        page = Pagination(limit=PAGE, after_id=max(fresh))


def _made_at(item: Any) -> int:
    """Return when it was made; before all others where the server does not know."""
    return int(item.created_at.ToNanoseconds())
