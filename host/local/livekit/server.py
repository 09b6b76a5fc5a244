"""A livekit-server on 127.0.0.1 that ends with this process."""

import asyncio
import json
import secrets
import socket
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
from livekit import api

from host.base.errors import HostError
from host.local.livekit.find import find_or_build
from host.local.program import Program, free_port

START = 30.0
"""Seconds within which the server must answer, even on a busy machine."""
TRIES = 3


class LiveKitServer:
    """Runs a livekit-server: `async with LiveKitServer() as server: server.url`.

    It is bound to loopback and keeps room state in memory, so that a restart forgets it. It ends
    with this process, even if that is killed. Its log goes to `log`. With `redis`, that part of its
    configuration, the rooms are kept there, and LiveKit SIP can join them.
    """

    def __init__(
        self, port: int = 0, log: Path | None = None, redis: Mapping[str, str] | None = None
    ) -> None:
        self.api_key = "local"
        self.api_secret = secrets.token_hex(32)
        self._port = port
        self._media_port = 0
        self._given_port = port
        self._redis = redis
        self._program = Program("livekit-server", log)
        self.log = self._program.log

    @property
    def url(self) -> str:
        """The value of LIVEKIT_URL."""
        return f"ws://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int | None:
        """The server's process id; None if it is not running."""
        return self._program.pid

    async def start(self) -> None:
        """Start the server and wait until it answers. Raises HostError if it does not."""
        program = await asyncio.to_thread(find_or_build)
        for remaining in reversed(range(TRIES)):
            if not self._media_port:
                self._port = self._given_port or free_port(socket.SOCK_STREAM)
                self._media_port = free_port(socket.SOCK_DGRAM)
            configuration = {"LIVEKIT_CONFIG": json.dumps(self._config())}
            await self._program.spawn([str(program)], configuration)
            if await self._answers():
                return
            await self.kill()
            if not self._given_port and remaining:
                self._media_port = 0
        raise HostError(f"livekit-server does not start: {self._program.last_words()}")

    async def kill(self) -> None:
        """Kill the server, like a crash, and wait until it is gone."""
        await self._program.kill()

    async def restart(self) -> None:
        """Kill the server and start it again with the same ports and key."""
        await self.kill()
        await self.start()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._program.close()

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

    async def _answers(self) -> bool:
        """Wait until the server accepts our token: another server on its port would not."""
        grants = api.VideoGrants(room_join=True, room="start")
        token = api.AccessToken(self.api_key, self.api_secret).with_identity("start")
        address = f"http://127.0.0.1:{self._port}/rtc/validate"
        query = {"access_token": token.with_grants(grants).to_jwt()}
        deadline = asyncio.get_running_loop().time() + START
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as client:
            while self.pid and asyncio.get_running_loop().time() < deadline:
                try:
                    async with client.get(address, params=query) as response:
                        if response.status == 200:
                            return True
                except (aiohttp.ClientError, TimeoutError):
                    pass
                await asyncio.sleep(0.05)
        return False
