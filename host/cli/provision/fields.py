"""The fields of trunks and rules that host.toml decides, and how they are compared and written.

All other fields, such as names, codecs or encryption, are left to whoever sets them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from livekit.protocol.sip import (
    SIPDispatchRule,
    SIPDispatchRuleInfo,
    SIPInboundTrunkInfo,
    SIPOutboundTrunkInfo,
    SIPTransport,
)

from host.cli.routing import Info, agents_of, normalize

Shown = str | list[str]

INBOUND, OUTBOUND, RULE = "inbound trunk", "outbound trunk", "dispatch rule"
OWNED: dict[str, tuple[str, ...]] = {
    INBOUND: ("numbers", "allowed_addresses", "auth_username", "auth_password"),
    OUTBOUND: ("address", "transport", "numbers", "auth_username", "auth_password"),
    RULE: ("trunk_ids", "rule", "agents", "numbers", "inbound_numbers", "hide_phone_number"),
}
"""Fields by kind, in the order of the plan. `agents` are those of a rule's `room_config`."""
_IN_ORDER = {(OUTBOUND, "numbers")}
"""Lists whose order matters: the first number of an outbound trunk is its caller ID."""


def kind_of(info: Info) -> str:
    """Return what it is, in LiveKit's words."""
    if isinstance(info, SIPInboundTrunkInfo):
        return INBOUND
    return OUTBOUND if isinstance(info, SIPOutboundTrunkInfo) else RULE


def differ(field: str, there: Info, wanted: Info) -> bool:
    """Return whether a field is not as wanted."""
    had, asked = _value(there, field), _value(wanted, field)
    if field == "auth_password" and asked and there.auth_username == wanted.auth_username:  # type: ignore[union-attr]
        return had != asked and not _hidden(str(had))
    if isinstance(had, SIPDispatchRule):  # by what is known of it: a newer LiveKit may tell more
        return _rule(had) != _rule(asked)
    if (kind_of(there), field) == (INBOUND, "numbers"):
        had, asked = list(map(normalize, had)), list(map(normalize, asked))
    if isinstance(had, list) and (kind_of(there), field) not in _IN_ORDER:
        return sorted(had) != sorted(asked)
    return bool(had != asked)


def put(field: str, into: Info, wanted: Info) -> None:
    """Set a field as wanted."""
    value = _value(wanted, field)
    if field == "agents" and isinstance(into, SIPDispatchRuleInfo):
        into.room_config.ClearField("agents")
        into.room_config.agents.extend(wanted.room_config.agents)  # type: ignore[union-attr]
        return
    into.ClearField(field)
    if isinstance(value, list):
        getattr(into, field).extend(value)
    elif isinstance(value, SIPDispatchRule):
        getattr(into, field).CopyFrom(value)
    else:
        setattr(into, field, value)


def shown(field: str, info: Info) -> Shown:
    """Return a field for people and programs; a password is only told to be there."""
    value = _value(info, field)
    if field == "auth_password":
        return "set" if value else ""
    if field == "transport":
        return SIPTransport.Name(value).removeprefix("SIP_TRANSPORT_").lower()
    if isinstance(value, SIPDispatchRule):
        return _rule(value)
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str | list) else str(value)


def _value(info: Info, field: str) -> Any:
    if field == "agents" and isinstance(info, SIPDispatchRuleInfo):
        return [agent for agent in agents_of(info) if agent]
    value = getattr(info, field)
    return list(value) if isinstance(value, Sequence) and not isinstance(value, str) else value


def _hidden(password: str) -> bool:
    """Return whether LiveKit shows stars for a password: it can't be compared then."""
    return bool(password) and not password.strip("*")


def _rule(rule: SIPDispatchRule) -> str:
    """Word a rule: a room for each caller, for each called number, or one for all calls."""
    kind = rule.WhichOneof("rule")
    if kind is None:
        return "none"
    of = getattr(rule, kind)
    room = (
        f"room {of.room_name}" if kind == "dispatch_rule_direct" else f"rooms {of.room_prefix}_..."
    )
    per = {"dispatch_rule_individual": " per call", "dispatch_rule_callee": " per called number"}
    fixed = ", without random ending" if getattr(of, "no_randomness", False) else ""
    return f"{room}{per.get(kind, '')}{fixed}{', with a PIN' if of.pin else ''}"
