"""The difference between what LiveKit has and what host.toml says, as a list of changes. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar

from livekit.protocol.sip import SIPDispatchRuleInfo, SIPInboundTrunkInfo, SIPOutboundTrunkInfo

from host.cli.provision.fields import OWNED, Shown, differ, kind_of, put, shown
from host.cli.provision.mark import made_for
from host.cli.provision.wanted import Wanted
from host.cli.routing import Info, Routing, id_of

M = TypeVar("M", SIPInboundTrunkInfo, SIPOutboundTrunkInfo, SIPDispatchRuleInfo)

NEW_TRUNK = "(the new inbound trunk)"
"""Stands for the ID of a trunk that is yet to be made."""


@dataclass(frozen=True)
class Difference:
    """A field, and its values for people and programs; `there` is empty if it is new."""

    field: str
    there: Shown
    wanted: Shown


@dataclass(frozen=True)
class Change:
    """One call of LiveKit's API."""

    action: Literal["create", "update", "delete"]
    info: Info
    """What is written, as a whole; of a deletion, what is there."""
    differences: tuple[Difference, ...] = ()

    @property
    def kind(self) -> str:
        """What is changed: `inbound trunk`, `outbound trunk` or `dispatch rule`."""
        return kind_of(self.info)

    @property
    def id(self) -> str:
        """Its ID; empty if it is new."""
        return id_of(self.info)


@dataclass(frozen=True)
class Ours:
    """What `provision` has made for this deployment; the first of each is kept."""

    inbound: Sequence[SIPInboundTrunkInfo]
    outbound: Sequence[SIPOutboundTrunkInfo]
    rules: Sequence[SIPDispatchRuleInfo]


def ours_in(found: Routing, wanted: Wanted, trunks: Sequence[str] = ()) -> Ours:
    """Pick what bears the mark of this deployment; `trunks` are the IDs that host.toml names."""
    numbers = set(wanted.numbers)
    inbound = _ours(
        found.inbound, wanted.agent, lambda trunk: -len(numbers.intersection(trunk.numbers))
    )
    kept = inbound[0].sip_trunk_id if inbound else ""
    return Ours(
        inbound,
        _ours(found.outbound, wanted.agent, lambda trunk: trunk.sip_trunk_id not in trunks),
        _ours(found.rules, wanted.agent, lambda rule: kept not in rule.trunk_ids),
    )


def _ours(found: Sequence[M], agent: str, last: Callable[[M], int]) -> list[M]:
    """Pick those of an agent, the one to keep first; of equals, the oldest."""
    return sorted((each for each in found if made_for(each.metadata) == agent), key=last)


def changes(wanted: Wanted, ours: Ours) -> list[Change]:
    """Return what to do, in this order: what is too much goes first, and may free a number."""
    rule = None
    if wanted.rule:
        rule = SIPDispatchRuleInfo()
        rule.CopyFrom(wanted.rule)
        rule.trunk_ids.append(ours.inbound[0].sip_trunk_id if ours.inbound else NEW_TRUNK)
    return [
        *_too_many(rule, ours.rules),
        *_too_many(wanted.inbound, ours.inbound),
        *_too_many(wanted.outbound, ours.outbound),
        *_made(wanted.inbound, ours.inbound),
        *_made(wanted.outbound, ours.outbound),
        *_made(rule, ours.rules),
    ]


def _too_many(wanted: M | None, ours: Sequence[M]) -> Iterator[Change]:
    for each in ours[1:] if wanted else ours:
        yield Change("delete", each)


def _made(wanted: M | None, ours: Sequence[M]) -> Iterator[Change]:
    if wanted is None:
        return
    fields = OWNED[kind_of(wanted)]
    if not ours:
        news = [Difference(field, "", shown(field, wanted)) for field in fields]
        empty: tuple[Shown, ...] = ("", [], "false")
        yield Change("create", wanted, tuple(each for each in news if each.wanted not in empty))
        return
    there = ours[0]
    changed = type(there)()
    changed.CopyFrom(there)
    differences = []
    for field in fields:
        differs = differ(field, there, wanted)
        if differs:
            asked = shown(field, wanted)
            new = "a new one" if field == "auth_password" and asked else asked
            differences.append(Difference(field, shown(field, there), new))
        # Written even if it seems the same: LiveKit may not have told it.
        if field == "auth_password" or differs:
            put(field, changed, wanted)
    if differences:
        yield Change("update", changed, tuple(differences))
