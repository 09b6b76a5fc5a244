"""LiveKit's SIP trunks and dispatch rules, and which of them takes a call to a number.

After livekit/protocol `sip/sip.go`: MatchTrunkDetailed, DispatchRulePriority,
MatchDispatchRuleIter. Trunks compare numbers without their punctuation; rules compare them as
text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from livekit import api

from host.dispatch.livekit import livekit_of
from host.settings import Settings

KINDS = ("dispatch_rule_direct", "dispatch_rule_individual", "dispatch_rule_callee")
_NUMBER = re.compile(r"\+?[\d\- ()]+", re.ASCII)
_EVERYBODY = ({"0.0.0.0/0"}, {"0.0.0.0/1", "128.0.0.0/1"})
"""Addresses that are those of the whole Internet."""


@dataclass(frozen=True)
class Routing:
    """All trunks and dispatch rules of a LiveKit project."""

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


async def read(settings: Settings) -> Routing:
    """Read trunks and rules. Raises what livekit-api raises."""
    async with livekit_of(settings) as livekit:
        inbound = await livekit.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())
        outbound = await livekit.sip.list_outbound_trunk(api.ListSIPOutboundTrunkRequest())
        rules = await livekit.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest())
    return Routing(tuple(inbound.items), tuple(outbound.items), tuple(rules.items))


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


def named(item: Any) -> str:
    """Name a trunk or a rule: its own name, and its ID."""
    id = getattr(item, "sip_dispatch_rule_id", "") or getattr(item, "sip_trunk_id", "")
    return f"{id} ({item.name})" if item.name else str(id)


def _body(rule: api.SIPDispatchRuleInfo) -> Any:
    kind = rule.rule.WhichOneof("rule")
    return getattr(rule.rule, kind) if kind else None
