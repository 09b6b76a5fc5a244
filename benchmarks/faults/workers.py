"""The two workers that are compared, each in processes of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from faults.leftovers import processes_of_group
from host.local.process import bare_environment

HERE = Path(__file__).parent
READY = 60.0
"""Seconds that a worker may take to register with LiveKit."""
GONE = 10.0
"""Seconds that a killed process may take to be gone."""


class Worker:
    """A worker and all its processes, which make one group of processes."""

    def __init__(
        self,
        command: tuple[str, ...],
        settings: Mapping[str, str],
        folder: Path,
        ready: bytes,
        *,
        ready_in: float = READY,
    ) -> None:
        self._command, self._settings, self.folder = command, settings, folder
        self._says_ready, self._ready_in = ready, ready_in
        self._process: asyncio.subprocess.Process | None = None
        self._ready = asyncio.Event()
        self.log = folder / "worker.log"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of its processes, in which the persona finds what it imports."""
        path = os.pathsep.join([str(HERE.parent), os.environ.get("PYTHONPATH", "")])
        return {**bare_environment(), **self._settings, "PYTHONPATH": path}

    @property
    def pid(self) -> int:
        """The parent's process."""
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Start it, and wait until it has registered with LiveKit."""
        self._ready.clear()
        command = [sys.executable, *self._command]
        if setpriv := shutil.which("setpriv"):
            # Linux ends the worker's parent with the benchmark, however that comes about.
            command = [setpriv, "--pdeathsig", "KILL", "--", *command]
        self._process = await asyncio.create_subprocess_exec(
            *command,
            env=self.environment,
            cwd=self.folder,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            limit=2**20,
        )
        self._reading = asyncio.create_task(self._read(self._process))
        try:
            await asyncio.wait_for(self._ready.wait(), self._ready_in)
        except TimeoutError:
            await self.kill()
            raise RuntimeError(f"the worker did not start: see {self.log}") from None

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the parent alone, as an orchestrator does."""
        os.kill(self.pid, number)

    async def ended(self, limit: float) -> bool:
        """Wait until the parent has ended by itself; False where it has not."""
        assert self._process is not None
        try:
            await asyncio.wait_for(self._process.wait(), limit)
        except TimeoutError:
            return False
        return True

    async def kill(self) -> None:
        """End all of its processes at once, those without a parent too."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()
        await self._reading
        async with asyncio.timeout(GONE):
            while processes_of_group(self._process.pid):
                await asyncio.sleep(0.02)  # its children are not ours: there is no event

    async def stop(self, limit: float = 20.0) -> None:
        """Stop it as an orchestrator does."""
        if self._process is not None and self._process.returncode is None:
            self.signal(signal.SIGTERM)
            await self.ended(limit)
        await self.kill()

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        with self.log.open("ab") as log:
            while True:
                try:
                    line = await process.stdout.readline()
                except ValueError:
                    continue  # a line longer than any that is waited for
                if not line:
                    return
                log.write(line)
                log.flush()
                if self._says_ready in line:
                    self._ready.set()


def make_worker(arm: str, settings: Mapping[str, str], folder: Path) -> Worker:
    """Make the worker of an arm, from the settings of a host."""
    folder.mkdir(parents=True, exist_ok=True)
    if arm == "plain":
        script = str(HERE / "arms" / "plain.py")
        return Worker((script, "start"), _plain(settings), folder, b"registered worker")
    own = {
        "HOST_HEALTH_PORT": "0",
        "HOST_PERSONAS_DIR": str(HERE / "arms" / "personas"),
        "HOST_CALL_LOG": str(folder / "calls.jsonl"),
        "HOST_STATE_DIR": str(folder / "state"),
        "HOST_MAX_DURATION": "7200",
    }
    return Worker(("-m", "host", "start"), {**own, **settings}, folder, b"ready as")


def _plain(settings: Mapping[str, str]) -> dict[str, str]:
    """Give a host's settings the names that the plain worker reads."""
    names = {
        "HOST_DEEPGRAM_BASE_URL": "DEEPGRAM_URL",
        "HOST_CARTESIA_BASE_URL": "CARTESIA_URL",
        "HOST_OPENAI_BASE_URL": "OPENAI_BASE_URL",
        "HOST_TRUNK": "SIP_TRUNK",
    }
    renamed = {names.get(name, name): value for name, value in settings.items()}
    return {name: value for name, value in renamed.items() if not name.startswith("HOST_")}
