"""A livekit-server on 127.0.0.1 that ends with this process."""

import asyncio
import json
import secrets
import shutil
import socket
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
from livekit import api

from host.base.errors import HostError
from host.local.livekit.find import find_or_build
from host.privacy.environment import of_a_program

START = 30.0
"""Seconds within which the server must answer, even on a busy machine."""
TRIES = 3


class LiveKitServer:
    """Runs a livekit-server: `async with LiveKitServer() as server: server.url`.

    It is bound to loopback and keeps room state in memory, so that a restart forgets it. It ends
    with this process, even if that is killed. Its log goes to `log`.
    """

    def __init__(self, port: int = 0, log: Path | None = None) -> None:
        self.api_key = "local"
        self.api_secret = secrets.token_hex(32)
        self._port = port
        self._media_port = 0
        self._given_port = port
        self._folder = Path(tempfile.mkdtemp(prefix="livekit-server-")) if log is None else None
        self.log = log or Path(str(self._folder)) / "livekit-server.log"
        self._process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """The value of LIVEKIT_URL."""
        return f"ws://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int | None:
        """The server's process id; None if it is not running."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process and running else None

    async def start(self) -> None:
        """Start the server and wait until it answers. Raises HostError if it does not."""
        program = await asyncio.to_thread(find_or_build)
        for remaining in reversed(range(TRIES)):
            if not self._media_port:
                self._port = self._given_port or _free_port(socket.SOCK_STREAM)
                self._media_port = _free_port(socket.SOCK_DGRAM)
            await self._spawn(program)
            if await self._answers():
                return
            await self.kill()
            if not self._given_port and remaining:
                self._media_port = 0
        raise HostError(f"livekit-server does not start: {self._last_words()}")

    async def kill(self) -> None:
        """Kill the server, like a crash, and wait until it is gone."""
        process, self._process = self._process, None
        if process is not None:
            if process.returncode is None:
                process.kill()
            await process.wait()

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
        await self.kill()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    async def _spawn(self, program: Path) -> None:
        command = [str(program)]
        if setpriv := shutil.which("setpriv"):
            # Linux then kills the server when its parent ends, for whatever reason.
            command = [setpriv, "--pdeathsig", "KILL", "--", *command]
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**of_a_program(), "LIVEKIT_CONFIG": json.dumps(self._config())},
                # Ctrl-C reaches the whole session; the server's clients must end first.
                start_new_session=True,
            )

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

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"it wrote nothing to {self.log}"


def _free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
