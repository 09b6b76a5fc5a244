"""A livekit-server on 127.0.0.1 that ends with this process."""

import asyncio
import json
import secrets
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
from livekit import api

from host.base.errors import HostError
from host.local.livekit.find import find_or_build
from host.local.program import Server, free_port

TRIES = 3


class LiveKitServer(Server):
    """Runs a livekit-server: `async with LiveKitServer() as server: server.url`.

    It is bound to loopback and keeps room state in memory, so that a restart forgets it. It ends
    with this process, even if that is killed. Its log goes to `log`. With `redis`, that part of its
    configuration, the rooms are kept there, and LiveKit SIP can join them.
    """

    def __init__(
        self, port: int = 0, log: Path | None = None, redis: Mapping[str, str] | None = None
    ) -> None:
        super().__init__("livekit-server", log)
        self.api_key = "local"
        self.api_secret = secrets.token_hex(32)
        self._port = port
        self._media_port = 0
        self._given_port = port
        self._redis = redis

    @property
    def url(self) -> str:
        """The value of LIVEKIT_URL."""
        return f"ws://127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Start the server and wait until it answers. Raises HostError if it does not."""
        program = await asyncio.to_thread(find_or_build)
        for remaining in reversed(range(TRIES)):
            if not self._media_port:
                self._port = self._given_port or free_port(socket.SOCK_STREAM)
                self._media_port = free_port(socket.SOCK_DGRAM)
            configuration = {"LIVEKIT_CONFIG": json.dumps(self._config())}
            try:
                await self.serve([str(program)], configuration)
                return
            except HostError:
                if not remaining:
                    raise
                if not self._given_port:
                    self._media_port = 0

    async def restart(self) -> None:
        """Kill the server and start it again with the same ports and key."""
        await self.kill()
        await self.start()

    def _config(self) -> dict[str, Any]:
        """Return the configuration, as in livekit-server's config-sample.yaml."""
        return {
            "port": self._port,
            "bind_addresses": ["127.0.0.1"],
            "keys": {self.api_key: self.api_secret},
            "rtc": {
                "udp_port": self._media_port,
                "tcp_port": 0,
                "node_ip": "127.0.0.1",
                "use_external_ip": False,
                "enable_loopback_candidate": True,
                "ips": {"includes": ["127.0.0.1/32"]},
                # Sent to clients. Without any, livekit-server lists Google's. Port 9 is discard.
                "stun_servers": ["127.0.0.1:9"],
            },
            # A worker is available while its load is below this; the maximum load is 1.
            "agents": {"target_load": 10},
            "logging": {"level": "info", "json": False},
            **({"redis": dict(self._redis)} if self._redis else {}),
        }

    async def answers(self) -> bool:
        """Return whether the server accepts our token."""
        grants = api.VideoGrants(room_join=True, room="start")
        token = api.AccessToken(self.api_key, self.api_secret).with_identity("start")
        address = f"http://127.0.0.1:{self._port}/rtc/validate"
        query = {"access_token": token.with_grants(grants).to_jwt()}
        limit = aiohttp.ClientTimeout(total=2)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as client,
                client.get(address, params=query) as response,
            ):
                return response.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False
