"""Trunks and dispatch rules of a local livekit-sip, and the telephone that it dials."""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass, field

import psutil
from livekit import api
from livekit.protocol import sip
from livekit.protocol.agent_dispatch import RoomAgentDispatch
from livekit.protocol.room import RoomConfiguration

from host.base.errors import HostError

NO_PASSWORD = (
    "--listen needs a password, which the softphone sends: set HOST_SIP_INBOUND_PASSWORD in .env"
)


@dataclass(frozen=True)
class Lines:
    """Where livekit-sip listens, who may call there, and where `host call` rings."""

    listen: str = "127.0.0.1"
    """An IPv4 address of this machine."""
    username: str = "host"
    """The user name of calls from the network."""
    password: str = field(default="", repr=False)
    """What a caller has to know; empty: nothing, for loopback alone."""
    softphone: str = "127.0.0.1:5060"
    """Host and port of the SIP telephone that rings."""

    def __post_init__(self) -> None:
        """Raise HostError if calls can't be taken or placed like this."""
        try:
            address = ipaddress.IPv4Address(self.listen)
        except ValueError:
            text = f"--listen: {self.listen} is no IPv4 address: name one of this machine's"
            raise HostError(text) from None
        if not address.is_loopback and not self.password:
            raise HostError(NO_PASSWORD)
        if address.is_unspecified or not _is_here(self.listen):
            raise HostError(f"--listen: {self.listen} is no address of this machine")
        if not re.fullmatch(r"[\w.-]+(:\d{1,5})?", self.softphone):
            raise HostError(
                f"--softphone: {self.softphone!r} is not of the form ADDRESS or ADDRESS:PORT"
            )


class Trunks:
    """Creates trunks and rules in a livekit-server, through its API."""

    def __init__(self, livekit: api.LiveKitAPI, lines: Lines, agent: str) -> None:
        self._sip, self._lines, self._agent = livekit.sip, lines, agent

    async def inbound(self, names: list[str], prefix: str) -> None:
        """Let calls to these numbers or names ring an agent, each in a room of its own.

        Without any, all calls without a trunk of their own do.
        """
        lines = self._lines
        trunk = sip.SIPInboundTrunkInfo(name=prefix, numbers=names)
        if lines.password:
            trunk.auth_username, trunk.auth_password = lines.username, lines.password
        else:
            trunk.allowed_addresses.append("127.0.0.0/8")
        made = await self._sip.create_inbound_trunk(sip.CreateSIPInboundTrunkRequest(trunk=trunk))
        agents = [RoomAgentDispatch(agent_name=self._agent)] if self._agent else []
        individual = sip.SIPDispatchRuleIndividual(room_prefix=prefix)
        rule = sip.SIPDispatchRuleInfo(
            name=prefix,
            rule=sip.SIPDispatchRule(dispatch_rule_individual=individual),
            trunk_ids=[made.sip_trunk_id],
            room_config=RoomConfiguration(agents=agents),
        )
        wanted = sip.CreateSIPDispatchRuleRequest(dispatch_rule=rule)
        await self._sip.create_dispatch_rule(wanted)

    async def outbound(self, number: str) -> str:
        """Let calls from `number` ring the softphone; return the trunk's ID."""
        trunk = sip.SIPOutboundTrunkInfo(
            name="softphone",
            address=self._lines.softphone,
            transport=sip.SIPTransport.SIP_TRANSPORT_UDP,
            numbers=[number],
        )
        made = await self._sip.create_outbound_trunk(sip.CreateSIPOutboundTrunkRequest(trunk=trunk))
        return made.sip_trunk_id


def require_network() -> None:
    """Raise HostError if this machine has no address but loopback.

    livekit-sip joins rooms by WebRTC, which has no candidates there; nothing leaves the machine.
    """
    found = psutil.net_if_addrs().values()
    addresses = [
        each.address for of_one in found for each in of_one if each.family == socket.AF_INET
    ]
    if all(ipaddress.ip_address(address).is_loopback for address in addresses):
        raise HostError(
            "livekit-sip needs a network interface beside loopback, of any kind: connect to a "
            "network, or as root: ip link add sip0 type veth peer name sip1; "
            "ip address add 192.0.2.1/32 dev sip0; ip link set sip0 up; ip link set sip1 up"
        )


def _is_here(address: str) -> bool:
    """Return whether this machine has an address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
