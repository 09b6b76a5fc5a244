"""What LiveKit should have, from the settings alone: LiveKit's own messages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from livekit.protocol.agent_dispatch import RoomAgentDispatch
from livekit.protocol.room import RoomConfiguration
from livekit.protocol.sip import (
    SIPDispatchRule,
    SIPDispatchRuleIndividual,
    SIPDispatchRuleInfo,
    SIPInboundTrunkInfo,
    SIPOutboundTrunkInfo,
)

from host.base.e164 import canonical
from host.base.errors import SettingsError
from host.cli.provision.mark import mark_of
from host.registry import Registry
from host.settings import Settings


@dataclass(frozen=True)
class Wanted:
    """The trunks and the dispatch rule of a deployment; None where it needs none.

    The rule has no trunk yet: its ID is LiveKit's.
    """

    agent: str
    numbers: tuple[str, ...]
    """Numbers that the inbound trunk takes."""
    inbound: SIPInboundTrunkInfo | None
    outbound: SIPOutboundTrunkInfo | None
    rule: SIPDispatchRuleInfo | None


def wanted_of(settings: Settings, loaded: Registry) -> Wanted:
    """Return what a deployment needs. Raises SettingsError for a number of no known country."""
    agent, numbers = settings.agent_name, tuple(_numbers(settings, loaded))
    name, mark = agent or "host", mark_of(agent)
    table = settings.sip
    inbound = rule = outbound = None
    if numbers:
        inbound = SIPInboundTrunkInfo(
            name=name,
            metadata=mark,
            numbers=numbers,
            allowed_addresses=table.allowed_addresses,
            auth_username=table.inbound_username,
            auth_password=settings.sip_inbound_password.get_secret_value(),
        )
        individual = SIPDispatchRuleIndividual(room_prefix=table.room_prefix)
        rule = SIPDispatchRuleInfo(
            name=name,
            metadata=mark,
            rule=SIPDispatchRule(dispatch_rule_individual=individual),
            room_config=RoomConfiguration(agents=[RoomAgentDispatch(agent_name=agent)])
            if agent
            else None,
        )
    if table.address:
        outbound = SIPOutboundTrunkInfo(
            name=name,
            metadata=mark,
            address=table.address,
            transport=f"SIP_TRANSPORT_{table.transport.upper()}",
            numbers=list(dict.fromkeys((*_caller_ids(settings), *numbers))),
            auth_username=table.username,
            auth_password=settings.sip_password.get_secret_value(),
        )
    return Wanted(agent, numbers, inbound, outbound, rule)


def _numbers(settings: Settings, loaded: Registry) -> Iterator[str]:
    """Yield the numbers of the inbound trunk, also those of a persona that is broken just now."""
    if not settings.sip.numbers:
        yield from loaded.routes.numbers
        return
    for written in dict.fromkeys(settings.sip.numbers):
        number = canonical(written, loaded.routes.regions)
        if number is None:
            raise SettingsError(
                f"[sip] numbers: {written} is of no known country: write it with its country code, "
                "as +4930123456, or set countries"
            )
        yield number


def _caller_ids(settings: Settings) -> Iterator[str]:
    """Yield caller IDs of the shared trunk; LiveKit shows the first one by default."""
    if settings.caller_id:
        yield settings.caller_id
    for name in settings.personas:
        persona = settings.persona(name)
        if persona.caller_id and persona.trunk == settings.trunk:
            yield persona.caller_id
