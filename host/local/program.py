"""Programs of the local world: found by setting, PATH or cache, and ended with this process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from host.base.errors import HostError
from host.privacy.environment import of_a_program

START = 30.0
"""Seconds within which a server must answer, even on a busy machine."""


def find_program(setting: str, name: str, built: Path) -> Path | None:
    """Return the program that an environment variable names, else on the PATH, else `built`.

    Raises HostError if the variable names no program.
    """
    if named := os.environ.get(setting):
        path = Path(named).expanduser()
        if not (path.is_file() and os.access(path, os.X_OK)):
            raise HostError(f"{setting}: {named} is no program")
        return path
    if found := shutil.which(name):
        return Path(found)
    return built if built.is_file() else None


def free_port(kind: socket.SocketKind) -> int:
    """Return a port of 127.0.0.1 that nothing is bound to."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Program:
    """A program that ends with this process, even if that is killed. Its output goes to `log`."""

    def __init__(self, name: str, log: Path | None = None) -> None:
        self.name = name
        self.folder = Path(tempfile.mkdtemp(prefix=f"{name}-")) if log is None else None
        self.log = log or Path(str(self.folder)) / f"{name}.log"
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """Its process ID; None if it is not running."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if self._process and running else None

    async def spawn(
        self, command: Sequence[str], environment: Mapping[str, str], stdin: str = ""
    ) -> None:
        """Start it; `environment` adds to what any program gets, `stdin` is what it reads."""
        if setpriv := shutil.which("setpriv"):
            # Linux then kills it when its parent ends, for whatever reason.
            command = [setpriv, "--pdeathsig", "KILL", "--", *command]
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log, tempfile.TemporaryFile() as text:
            text.write(stdin.encode())
            text.seek(0)
            self._process = await asyncio.create_subprocess_exec(
                *command,
                stdin=text,
                stdout=log,
                stderr=log,
                env={**of_a_program(), **environment},
                # Ctrl-C reaches the whole session; its clients must end first.
                start_new_session=True,
            )

    async def kill(self) -> None:
        """Kill it, like a crash, and wait until it is gone."""
        process, self._process = self._process, None
        if process is not None:
            if process.returncode is None:
                process.kill()
            await process.wait()

    async def interrupt(self, limit: float) -> None:
        """Send SIGINT, as Ctrl-C does, and wait at most `limit` seconds until it is gone."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGINT)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), limit)

    async def ended(self, limit: float) -> int:
        """Wait until it has ended by itself; return its exit code. Raises TimeoutError."""
        assert self._process is not None
        return await asyncio.wait_for(self._process.wait(), limit)

    async def close(self) -> None:
        """Kill it, and delete its log unless that was asked for."""
        await self.kill()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)

    def last_words(self) -> str:
        """Return the last line of its log."""
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else f"it wrote nothing to {self.log}"


class Server(Program, ABC):
    """A program that answers within the block: `async with` starts it, and closes it."""

    @abstractmethod
    async def start(self) -> None:
        """Start it, by `serve`. Raises HostError if it does not answer."""

    @abstractmethod
    async def answers(self) -> bool:
        """Return whether it is ready, and ours: another one at its port would not be."""

    async def serve(
        self, command: Sequence[str], environment: Mapping[str, str], stdin: str = ""
    ) -> None:
        """Start it and wait until it answers. Raises HostError if it does not."""
        await self.spawn(command, environment, stdin)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(START):
                    while self.pid:
                        if await self.answers():
                            return
                        await asyncio.sleep(0.05)
            raise HostError(f"{self.name} does not start: {self.last_words()}")
        except BaseException:
            await self.kill()
            raise

    async def __aenter__(self) -> Self:
        try:
            await self.start()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
