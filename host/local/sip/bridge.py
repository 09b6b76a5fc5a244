"""A livekit-sip on one address of this machine, that ends with this process."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from host.base.errors import HostError
from host.local.program import Server
from host.local.sip.find import find_or_build_sip
from host.local.sip.redis import RedisServer

PORTS = range(5070, 5090)
"""Of the first free one; 5060 is left to softphones on this machine."""
MEDIA_PORTS = 10000, 20000
"""RTP; each call has one."""
HANG_UP = 3.0
"""Seconds that it may take to hang up its calls at the end."""
READY = "SIPInternal|CreateSIPParticipant|*"
"""The channels in Redis on which livekit-sip waits for calls to place."""


class SipBridge(Server):
    """Runs a livekit-sip, which answers SIP at `address` and `port`, over UDP and TCP.

    `livekit` is the URL, key and secret of a livekit-server that has the same Redis.
    """

    def __init__(
        self,
        redis: RedisServer,
        livekit: tuple[str, str, str],
        address: str = "127.0.0.1",
        port: int = 0,
        log: Path | None = None,
    ) -> None:
        super().__init__("livekit-sip", log)
        self._redis, self._livekit = redis, livekit
        self.address, self.port = address, port

    async def start(self) -> None:
        """Start it, at the same port if it was there before. Raises HostError."""
        program = await asyncio.to_thread(find_or_build_sip)
        self.port = self.port or free_sip_port(self.address)
        await self.serve([str(program)], {"SIP_CONFIG_BODY": json.dumps(self.config())})

    async def answers(self) -> bool:
        """Return whether it waits for calls to place."""
        try:
            channels = await self._redis.ask("PUBSUB", "CHANNELS", READY)
        except OSError:
            return False
        return not channels.startswith("*0")

    async def close(self) -> None:
        """Let it hang up its calls, and end it."""
        await self.interrupt(HANG_UP)
        await super().close()

    def config(self) -> Mapping[str, Any]:
        """Return the configuration, as in the README of livekit-sip."""
        url, key, secret = self._livekit
        return {
            "ws_url": url,
            "api_key": key,
            "api_secret": secret,
            "redis": self._redis.access,
            "listen_ip": self.address,
            # Its own address is what it announces, in SIP and in SDP.
            "nat_1_to_1_ip": self.address,
            "sip_port": self.port,
            "rtp_port": f"{MEDIA_PORTS[0]}-{MEDIA_PORTS[1]}",
            # It refuses calls above a share of the machine's processors; above 1 counts as unset.
            "max_cpu_utilization": 1,
            "logging": {"level": "info", "json": False},
        }


def free_sip_port(address: str) -> int:
    """Return the first of PORTS that is free for UDP and TCP. Raises HostError."""
    for port in PORTS:
        try:
            for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                with closing(socket.socket(socket.AF_INET, kind)) as probe:
                    probe.bind((address, port))
        except OSError:
            continue
        return port
    raise HostError(f"no port from {PORTS[0]} to {PORTS[-1]} is free at {address} for livekit-sip")
