"""The table `[sip]` of host.toml: the trunks and the dispatch rule that `host provision` makes."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from host.base.sip import HOST, Transport
from host.settings.calling import written_as
from host.settings.persona import OwnNumber

PASSWORDS = ("sip_password", "sip_inbound_password")
"""Secrets beside the table: settings that the environment alone holds."""


def _network(given: str) -> str:
    try:
        ip_network(given, strict=False)
    except ValueError:
        raise ValueError("must be IP addresses or networks, such as 203.0.113.0/24") from None
    return given


Address = Annotated[
    str,
    StringConstraints(strip_whitespace=True),
    written_as(rf"(?:{HOST})?", "a host name or an IP address, such as sip.carrier.example"),
]
RoomPrefix = Annotated[
    str, written_as(r"[A-Za-z0-9_-]{1,40}", "1 to 40 letters, digits, - or _, such as call")
]


class SipTrunks(BaseModel):
    """What LiveKit needs for the numbers of a carrier or a PBX."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: Address = Field(
        "", description="SIP server of the carrier, for outbound calls; empty: no outbound trunk"
    )
    transport: Transport = Field(
        "auto", description="transport of outbound calls: auto, udp, tcp or tls"
    )
    username: str = Field(
        "", description="user name for outbound calls; its password is HOST_SIP_PASSWORD"
    )
    inbound_username: str = Field(
        "",
        description="user name that inbound calls must give; its password is "
        "HOST_SIP_INBOUND_PASSWORD",
    )
    allowed_addresses: tuple[Annotated[str, AfterValidator(_network)], ...] = Field(
        (),
        description="IP addresses or networks that inbound calls may come from; empty: any",
    )
    numbers: tuple[OwnNumber, ...] = Field(
        (), description="numbers of the trunks; empty: those of all personas"
    )
    room_prefix: RoomPrefix = Field("call", description="prefix of the rooms of inbound calls")
