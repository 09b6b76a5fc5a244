"""A livekit-sip on one address of this machine, that ends with this process."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from host.base.errors import HostError
from host.local.program import Program
from host.local.sip.find import find_or_build_sip
from host.local.sip.redis import RedisServer

PORTS = range(5070, 5090)
"""Of the first free one; 5060 is left to softphones on this machine."""
MEDIA_PORTS = 10000, 20000
"""RTP; each call has one."""
START = 30.0
"""Seconds within which it must be ready, even on a busy machine."""
HANG_UP = 3.0
"""Seconds that it may take to hang up its calls at the end."""
READY = "SIPInternal|CreateSIPParticipant|*"
"""The channels in Redis on which livekit-sip waits for calls to place."""


class SipBridge:
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
        self._redis, self._livekit = redis, livekit
        self.address, self.port = address, port
        self._program = Program("livekit-sip", log)
        self.log = self._program.log

    @property
    def pid(self) -> int | None:
        """Its process ID; None if it is not running."""
        return self._program.pid

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def start(self) -> None:
        """Start it, at the same port if it was there before. Raises HostError."""
        program = await asyncio.to_thread(find_or_build_sip)
        self.port = self.port or free_sip_port(self.address)
        await self._program.spawn([str(program)], {"SIP_CONFIG_BODY": json.dumps(self.config())})
        try:
            await self._is_ready()
        except BaseException:
            await self._program.close()
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._program.interrupt(HANG_UP)  # it hangs up its calls
        await self._program.close()

    async def kill(self) -> None:
        """Kill it, like a crash."""
        await self._program.kill()

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

    async def _is_ready(self) -> None:
        deadline = asyncio.get_running_loop().time() + START
        while self.pid and asyncio.get_running_loop().time() < deadline:
            try:
                channels = await self._redis.ask("PUBSUB", "CHANNELS", READY)
                if not channels.startswith("*0"):
                    return
            except OSError:
                pass
            await asyncio.sleep(0.05)
        raise HostError(f"livekit-sip does not start: {self._program.last_words()}")


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
