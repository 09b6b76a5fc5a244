"""Routing of inbound calls: trunk, dispatch rule and room.

Pure functions after livekit/protocol `sip/sip.go`: MatchTrunkDetailed, DispatchRulePriority,
MatchDispatchRuleIter, EvaluateDispatchRule.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from livekit.protocol.sip import SIPDispatchRuleInfo, SIPInboundTrunkInfo

from host.local.exchange.ids import new_id

_NUMBER = re.compile(r"\+?[\d\- ()]+")


class NoRoute(Exception):
    """No trunk or no dispatch rule accepts the call, or more than one trunk does.

    With none it rings for ever: not even a CANCEL is answered. With several, the response is 503.
    """

    def __init__(self, text: str, sip_status: int = 0) -> None:
        super().__init__(text)
        self.sip_status = sip_status


@dataclass(frozen=True)
class Route:
    """The room of an inbound call, and its participant."""

    trunk: SIPInboundTrunkInfo
    rule: SIPDispatchRuleInfo
    room: str
    identity: str
    name: str
    numbers: dict[str, str] = field(default_factory=dict)
    """The number attributes; empty if the rule hides the caller's number."""


def normalize(number: str) -> str:
    """Convert a telephone number to `+digits`; anything else is unchanged."""
    if not _NUMBER.fullmatch(number):
        return number
    return "+" + re.sub(r"[+\- ()]", "", number)


def match_trunk(
    trunks: Iterable[SIPInboundTrunkInfo], caller: str, called: str
) -> SIPInboundTrunkInfo:
    """Return the trunk of the called number, else the one for any number. Raises NoRoute."""
    fitting = [
        trunk
        for trunk in trunks
        if not trunk.allowed_numbers or _contains(trunk.allowed_numbers, caller)
    ]
    own = [trunk for trunk in fitting if _contains(trunk.numbers, called)]
    found = own or [trunk for trunk in fitting if not trunk.numbers]
    if not found:
        raise NoRoute(f"no trunk accepts calls to {called!r}")
    if len(found) > 1:
        raise NoRoute(f"several trunks accept calls to {called!r}: Try again later", 503)
    return found[0]


def match_rule(
    rules: Iterable[SIPDispatchRuleInfo], trunk_id: str, caller: str, called: str
) -> SIPDispatchRuleInfo:
    """Return the rule of highest priority, the trunk's own before general ones. Raises NoRoute.

    Rules with a PIN are skipped, because there are no prompts for it.
    """
    fitting = [
        rule
        for rule in rules
        if (not rule.inbound_numbers or caller in rule.inbound_numbers)
        and (not rule.numbers or called in rule.numbers)
        and (not rule.trunk_ids or trunk_id in rule.trunk_ids)
        and not pin(rule)
    ]
    if not fitting:
        raise NoRoute(f"no dispatch rule accepts calls to {called!r}")
    return min(fitting, key=lambda rule: (not rule.trunk_ids, priority(rule), _room(rule)))


def priority(rule: SIPDispatchRuleInfo) -> int:
    """Return a rule's rank, lower first: direct, individual, callee; +1000 per wildcard."""
    kinds = ("dispatch_rule_direct", "dispatch_rule_individual", "dispatch_rule_callee")
    kind = rule.rule.WhichOneof("rule")
    if kind is None:
        return 2**31 - 1
    open_to_all = 0 if pin(rule) else 100
    wildcards = (not rule.inbound_numbers) + (not rule.numbers)
    return kinds.index(kind) + open_to_all + 1000 * wildcards


def route(
    trunk: SIPInboundTrunkInfo, rule: SIPDispatchRuleInfo, caller: str, called: str, host: str
) -> Route:
    """Return room and participant of a call that `rule` accepts."""
    shown = caller
    if rule.hide_phone_number:
        digest = hashlib.sha256(caller.encode()).hexdigest()[:16]
        shown = caller[-4:] if len(caller) > 4 else caller[-1:]
        return Route(trunk, rule, room_name(rule, shown, called), f"sip_{digest}", f"Phone {shown}")
    numbers = {
        "sip.phoneNumber": caller,
        "sip.trunkPhoneNumber": called,
        "sip.hostname": host,
    }
    room = room_name(rule, shown, called)
    return Route(trunk, rule, room, f"sip_{caller}", f"Phone {caller}", numbers)


def room_name(rule: SIPDispatchRuleInfo, caller: str, called: str) -> str:
    """Return the room's name: fixed (direct), by caller (individual) or called number (callee)."""
    kind = rule.rule.WhichOneof("rule")
    if kind == "dispatch_rule_direct":
        return rule.rule.dispatch_rule_direct.room_name
    if kind == "dispatch_rule_individual":
        individual = rule.rule.dispatch_rule_individual
        number, random = caller, not individual.no_randomness
    else:
        number, random = called, rule.rule.dispatch_rule_callee.randomize
    prefix = _room(rule)
    room = f"{prefix}_{number}" if prefix else number
    return f"{room}_{new_id()}" if random else room


def trunk_conflict(
    new: SIPInboundTrunkInfo, others: Iterable[SIPInboundTrunkInfo]
) -> SIPInboundTrunkInfo | None:
    """Return a trunk that accepts the same calls as `new`; None if there is none.

    Numbers conflict only in the same spelling: in another one, the trunk is created.
    """
    for other in others:
        if other.sip_trunk_id != new.sip_trunk_id and (
            _same(new.numbers, other.numbers)
            and _overlap(new.allowed_numbers, other.allowed_numbers)
        ):
            return other
    return None


def rule_conflict(
    new: SIPDispatchRuleInfo, others: Iterable[SIPDispatchRuleInfo]
) -> SIPDispatchRuleInfo | None:
    """Return a rule for the same trunk, inbound number, number and PIN as `new`, or None."""
    for other in others:
        if (
            other.sip_dispatch_rule_id != new.sip_dispatch_rule_id
            and pin(other) == pin(new)
            and _overlap(new.trunk_ids, other.trunk_ids)
            and _overlap(new.inbound_numbers, other.inbound_numbers)
            and _overlap(new.numbers, other.numbers)
        ):
            return other
    return None


def pin(rule: SIPDispatchRuleInfo) -> str:
    """Return the rule's PIN; empty if it has none."""
    kind = rule.rule.WhichOneof("rule")
    return getattr(rule.rule, kind).pin if kind else ""


def _room(rule: SIPDispatchRuleInfo) -> str:
    kind = rule.rule.WhichOneof("rule")
    if kind == "dispatch_rule_direct":
        return rule.rule.dispatch_rule_direct.room_name
    return getattr(rule.rule, kind).room_prefix if kind else ""


def _contains(numbers: Iterable[str], number: str) -> bool:
    return any(number == each or normalize(each) == normalize(number) for each in numbers)


def _same(one: Iterable[str], other: Iterable[str]) -> bool:
    these, those = set(one), set(other)
    return bool(these & those) if these and those else not these and not those


def _overlap(one: Iterable[str], other: Iterable[str]) -> bool:
    return _same(map(normalize, one), map(normalize, other))
