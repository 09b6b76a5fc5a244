"""SIP addresses (RFC 3261 section 19.1), as far as LiveKit SIP can call them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, Self, cast

Transport = Literal["auto", "udp", "tcp", "tls"]

_USER = r"[A-Za-z0-9_.!~*'()&=+$,%#-]+"
HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?"
"""Pattern of a name or IP address, with or without a port."""
_ADDRESS = re.compile(
    rf"(?:(?P<scheme>sips?):)?(?P<user>{_USER})@(?P<host>{HOST})(?:;transport=(?P<transport>\w+))?",
    re.ASCII | re.IGNORECASE,
)


@dataclass(frozen=True)
class SipAddress:
    """A user at a host: `sip:doctor@pbx.example:5061;transport=tls`."""

    user: str
    host: str
    """Name or IP address, with a port if one is given."""
    transport: Transport = "auto"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read an address; None if it has no user, no host, or another parameter."""
        found = _ADDRESS.fullmatch(text)
        if found is None:
            return None
        transport = (found["transport"] or "auto").lower()
        if (found["scheme"] or "").lower() == "sips":
            transport = "tls"
        if transport not in ("auto", "udp", "tcp", "tls"):
            return None
        return cls(found["user"], found["host"], cast(Transport, transport))
