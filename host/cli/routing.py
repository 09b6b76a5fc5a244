"""LiveKit's SIP trunks and dispatch rules, and which of them takes a call to a number.

`doctor` and `provision` read them here, and judge by the same rules: those of livekit/protocol
`sip/sip.go`, MatchTrunkDetailed, DispatchRulePriority and MatchDispatchRuleIter. Trunks compare
numbers without their punctuation; rules compare them as text.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from livekit import api
from livekit.protocol.models import Pagination

Info = api.SIPInboundTrunkInfo | api.SIPOutboundTrunkInfo | api.SIPDispatchRuleInfo
"""A trunk or a dispatch rule."""

PAGE = 100
"""Trunks or rules that are asked for at once."""
KINDS = ("dispatch_rule_direct", "dispatch_rule_individual", "dispatch_rule_callee")
_NUMBER = re.compile(r"\+?[\d\- ()]+", re.ASCII)
_EVERYBODY = ({"0.0.0.0/0"}, {"0.0.0.0/1", "128.0.0.0/1"})
"""Addresses that are those of the whole Internet."""


@dataclass(frozen=True)
class Routing:
    """All trunks and dispatch rules of a LiveKit project, the oldest first."""

    inbound: tuple[api.SIPInboundTrunkInfo, ...] = ()
    outbound: tuple[api.SIPOutboundTrunkInfo, ...] = ()
    rules: tuple[api.SIPDispatchRuleInfo, ...] = ()

    def trunks_of(self, number: str) -> list[api.SIPInboundTrunkInfo]:
        """Return the inbound trunks that take a call to a number: one, where all is well."""
        own = [trunk for trunk in self.inbound if has_number(trunk.numbers, number)]
        return own or [trunk for trunk in self.inbound if not trunk.numbers]

    def rules_of(self, trunk_id: str, number: str) -> list[api.SIPDispatchRuleInfo]:
        """Return the rules that take any caller's call, the one that LiveKit chooses first.

        Rules with a PIN or for certain callers are none of them.
        """
        fitting = self.rules_of_some(trunk_id, number)
        return sorted(
            (rule for rule in fitting if not (rule.inbound_numbers or pin(rule))), key=rank
        )

    def rules_of_some(self, trunk_id: str, number: str) -> list[api.SIPDispatchRuleInfo]:
        """Return the rules that take some callers' calls to a number, in no order."""
        return [
            rule
            for rule in self.rules
            if (not rule.trunk_ids or trunk_id in rule.trunk_ids)
            and (not rule.numbers or number in rule.numbers)
        ]


async def read(livekit: api.LiveKitAPI) -> Routing:
    """Read trunks and rules; changes nothing. Raises what livekit-api raises."""
    sip = livekit.sip
    return Routing(
        await _all(lambda page: sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest(page=page))),
        await _all(
            lambda page: sip.list_outbound_trunk(api.ListSIPOutboundTrunkRequest(page=page))
        ),
        await _all(lambda page: sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest(page=page))),
    )


async def _all(list_page: Callable[[Pagination], Awaitable[Any]]) -> tuple[Any, ...]:
    """Read page after page. A server that knows no pages answers with everything at once."""
    items: dict[str, Any] = {}
    page = Pagination(limit=PAGE)
    while True:
        answer = await list_page(page)
        fresh = {id_of(item): item for item in answer.items if id_of(item) not in items}
        items |= fresh
        if not fresh or len(answer.items) != PAGE:
            return tuple(sorted(items.values(), key=lambda item: (_made_at(item), id_of(item))))
        page = Pagination(limit=PAGE, after_id=max(fresh))


def _made_at(item: Any) -> int:
    """Return when it was made; before all others where the server does not know."""
    return int(item.created_at.ToNanoseconds())


def id_of(info: Info) -> str:
    """Return its ID; empty before LiveKit has made it."""
    if isinstance(info, api.SIPDispatchRuleInfo):
        return info.sip_dispatch_rule_id
    return info.sip_trunk_id


def normalize(number: str) -> str:
    """Write a number as trunks compare it: a plus and its digits."""
    if not _NUMBER.fullmatch(number):
        return number
    return "+" + re.sub(r"[+\- ()]", "", number)


def has_number(numbers: Iterable[str], number: str) -> bool:
    """Return whether a number is among others, as trunks compare them."""
    return normalize(number) in {normalize(each) for each in numbers}


def rank(rule: api.SIPDispatchRuleInfo) -> tuple[bool, int]:
    """Return a rule's rank; LiveKit takes the lowest one. Two of the same rank are a tie."""
    kind = rule.rule.WhichOneof("rule")
    wildcards = (not rule.inbound_numbers) + (not rule.numbers)
    return not rule.trunk_ids, (KINDS.index(kind) if kind in KINDS else 9) + 1000 * wildcards


def pin(rule: api.SIPDispatchRuleInfo) -> str:
    """Return a rule's PIN; empty if it has none."""
    return str(getattr(_body(rule), "pin", ""))


def room_of(rule: api.SIPDispatchRuleInfo, number: str) -> str:
    """Return the name of a room that a rule makes for a call to a number."""
    body, kind = _body(rule), rule.rule.WhichOneof("rule")
    if kind == KINDS[0]:
        return str(body.room_name)
    called = number if kind == KINDS[2] else "caller"
    return f"{body.room_prefix}_{called}_random" if body.room_prefix else f"{called}_random"


def agents_of(rule: api.SIPDispatchRuleInfo) -> list[str]:
    """Return the names of the agents that a rule dispatches; `""` is the one without a name."""
    return [agent.agent_name for agent in rule.room_config.agents] or [""]


def is_open(trunk: api.SIPInboundTrunkInfo) -> bool:
    """Return whether anybody on the Internet may call any number of a trunk."""
    named = trunk.numbers or trunk.auth_username or trunk.allowed_numbers
    return not named and any(each <= {*trunk.allowed_addresses} for each in _EVERYBODY)


def named(item: Info) -> str:
    """Name a trunk or a rule: its own name, and its ID."""
    return f"{id_of(item)} ({item.name})" if item.name else id_of(item)


def _body(rule: api.SIPDispatchRuleInfo) -> Any:
    kind = rule.rule.WhichOneof("rule")
    return getattr(rule.rule, kind) if kind else None
