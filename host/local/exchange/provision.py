"""Creates what leads calls to a host and out of it: trunks, and rules that dispatch an agent."""

from livekit.protocol import sip
from livekit.protocol.agent_dispatch import RoomAgentDispatch
from livekit.protocol.room import RoomConfiguration

from host.local.exchange.directory import Directory


def dispatching(agent: str, metadata: str) -> RoomConfiguration:
    """Return a room configuration that dispatches an agent; empty: the one without a name."""
    config = RoomConfiguration()
    if agent:
        config.agents.append(RoomAgentDispatch(agent_name=agent, metadata=metadata))
    return config


async def inbound_route(
    directory: Directory, number: str, prefix: str, config: RoomConfiguration
) -> sip.SIPDispatchRuleInfo:
    """Create a number's inbound trunk and its rule, which gives each call a room of its own.

    `*` is any number without a trunk of its own.
    """
    info = sip.SIPInboundTrunkInfo(numbers=[number])
    if number == "*":
        info = sip.SIPInboundTrunkInfo(allowed_addresses=["0.0.0.0/0"])
    trunk = await directory.create_inbound(sip.CreateSIPInboundTrunkRequest(trunk=info))
    individual = sip.SIPDispatchRuleIndividual(room_prefix=prefix)
    rule = sip.SIPDispatchRuleInfo(
        rule=sip.SIPDispatchRule(dispatch_rule_individual=individual),
        trunk_ids=[trunk.sip_trunk_id],
        room_config=config,
    )
    return await directory.create_rule(sip.CreateSIPDispatchRuleRequest(dispatch_rule=rule))


async def outbound_trunk(directory: Directory, number: str) -> str:
    """Create an outbound trunk that calls from a number; return its ID."""
    info = sip.SIPOutboundTrunkInfo(address="carrier.example", numbers=[number])
    made = await directory.create_outbound(sip.CreateSIPOutboundTrunkRequest(trunk=info))
    return made.sip_trunk_id
