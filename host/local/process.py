"""Runs a host in a process of its own, as users do: `python -m host start`."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

READY_LIMIT = 60.0
"""Seconds that a host may take to register with LiveKit: the first import is slow."""
STOP_LIMIT = 20.0
"""Seconds that a host may take to stop after SIGTERM."""
LOG_LIMIT = 20.0
"""Seconds that its calls' processes may outlive the host."""

OF_A_DEPLOYMENT = ("HOST_", "LIVEKIT_", "OPENAI_", "DEEPGRAM_", "CARTESIA_", "OTEL_")
"""Prefixes of the names of settings."""


PROGRAMS = ("HOST_LIVEKIT_SERVER", "HOST_LIVEKIT_SIP", "HOST_REDIS_SERVER")
"""Settings that name programs of this machine."""


def bare_environment() -> dict[str, str]:
    """Return the environment without any deployment's settings, except PROGRAMS."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(OF_A_DEPLOYMENT) or name in PROGRAMS
    }


class HostProcess:
    """Runs a host inside the block, with these settings and no others."""

    def __init__(
        self,
        settings: Mapping[str, str],
        log: Path,
        *,
        cwd: Path | None = None,
        command: str = "start",
    ) -> None:
        self._settings, self._cwd, self._command = settings, cwd, command
        self.log = log
        self.health = ""
        """URL of its health check, once it is ready."""
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        """The parent's process id."""
        assert self._process is not None
        return self._process.pid

    async def __aenter__(self) -> Self:
        with self.log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "host",
                self._command,
                env={**bare_environment(), "HOST_HEALTH_PORT": "0", **self._settings},
                cwd=self._cwd,
                stdout=log,
                stderr=asyncio.subprocess.PIPE,
            )
        self._ready = asyncio.Event()
        self._reading = asyncio.create_task(self._read())
        waiting = asyncio.create_task(self._ready.wait())
        try:
            either = {waiting, self._reading}
            await asyncio.wait(either, timeout=READY_LIMIT, return_when=asyncio.FIRST_COMPLETED)
            if not self._ready.is_set():
                raise RuntimeError(f"the host did not start:\n{self.log.read_text()[-4000:]}")
        except BaseException:
            await self.stop()
            raise
        finally:
            waiting.cancel()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    def signal(self, number: int) -> None:
        """Send a signal to the parent only, as an orchestrator does."""
        assert self._process is not None
        self._process.send_signal(number)

    async def ended(self, limit: float = STOP_LIMIT) -> int:
        """Wait until it has ended by itself; return its exit code. Raises TimeoutError."""
        assert self._process is not None
        return await asyncio.wait_for(self._process.wait(), limit)

    async def stop(self) -> None:
        """Stop it with SIGTERM, as an orchestrator does, and then with SIGKILL."""
        process = self._process
        assert process is not None
        for stop in (process.terminate, process.kill):
            if process.returncode is None:
                stop()
            try:
                await asyncio.wait_for(process.wait(), STOP_LIMIT)
                break
            except TimeoutError:
                continue
        try:
            await asyncio.wait_for(self._reading, LOG_LIMIT)
        except TimeoutError:
            raise RuntimeError(f"processes outlive their host: see {self.log}") from None

    async def _read(self) -> None:
        """Copy its log, and detect that the host is ready. Ends with the process."""
        assert self._process is not None
        assert self._process.stderr is not None
        with self.log.open("ab") as log:
            while line := await self._process.stderr.readline():
                log.write(line)
                log.flush()
                if found := re.search(rb"health checks at (http://[\w.:]+)", line):
                    self.health = found[1].decode()
                if b"ready as" in line:
                    self._ready.set()
