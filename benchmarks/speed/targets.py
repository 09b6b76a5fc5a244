"""The targets: how each is started, and what it is called by."""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from faults.workers import Worker

from host.local.livekit import LiveKitServer
from speed import words
from speed.providers import Providers

ARMS = Path(__file__).parent / "arms"
READY = 180.0
"""Seconds that a worker may take to register, also on a busy machine."""
CALLS = 40
"""Calls that the host takes at once: more than are ever made."""


class Target:
    """One target, up while the block lasts: one worker, or one for each persona."""

    def __init__(self, name: str, workers: Sequence[Worker]) -> None:
        self.name, self._workers = name, workers
        self.agent_name = name
        """What calls are dispatched to."""
        self._up = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as up:
            for worker in self._workers:  # one after the other: they are not measured while started
                up.push_async_callback(worker.kill)
                await worker.start()
            self._up = up.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await asyncio.gather(*(worker.stop(5.0) for worker in self._workers))
        await self._up.aclose()

    @property
    def pids(self) -> list[int]:
        """The processes that were started; each has others below it."""
        return [worker.pid for worker in self._workers]


def unavailable() -> dict[str, str]:
    """Return the targets that can't be started here, each with what is to be done."""
    if importlib.util.find_spec("openrtc") is None:
        return {"openrtc": "openrtc is not installed: pip install -c constraints.txt -e '.[bench]'"}
    return {}


def make(
    name: str, livekit: LiveKitServer, providers: Providers, folder: Path, personas: int = 1
) -> Target:
    """Make a target with so many personas, besides those of `words` that one process can hold.

    Its logs and files go into a new folder below `folder`.
    """
    folder = folder / f"{name}-{personas}"
    shutil.rmtree(folder, ignore_errors=True)
    environment = {
        "LIVEKIT_URL": livekit.url,
        "LIVEKIT_API_KEY": livekit.api_key,
        "LIVEKIT_API_SECRET": livekit.api_secret,
        **providers.environment,
        "AGENT_NAME": name,
        "PERSONAS": str(personas),
    }
    if name == "host":
        return Target(name, [_host(environment, folder, personas)])
    workers = [
        _script(name, environment | {"AGENT_NAME": name if not at else f"{name}-{at}"}, folder, at)
        for at in range(personas if name == "plain" else 1)
    ]
    return Target(name, workers)


def _script(name: str, environment: Mapping[str, str], folder: Path, at: int) -> Worker:
    script = ARMS / ("plain.py" if name == "plain" else "pool.py")
    own = folder / str(at)
    own.mkdir(parents=True)
    return Worker((str(script), "start"), environment, own, b"registered worker", ready_in=READY)


def _host(environment: Mapping[str, str], folder: Path, personas: int) -> Worker:
    """Make a host whose personas are all the same but for their names, as plain's workers are."""
    own = folder / "personas"
    own.mkdir(parents=True)
    for name in (*words.ALL, *(f"idle-{at}" for at in range(personas - 1))):
        shutil.copy(ARMS / "persona.py", own / f"{name}.py")
    settings = {
        **environment,
        "HOST_AGENT_NAME": "host",
        "HOST_PERSONAS_DIR": str(own),
        "HOST_CALL_LOG": str(folder / "calls.jsonl"),
        "HOST_STATE_DIR": str(folder / "state"),
        "HOST_HEALTH_PORT": "0",
        "HOST_MAX_CALLS": str(CALLS),
        "HOST_MAX_DURATION": "7200",
        # Callers wait for their turn, which is no reason to ask whether they are there.
        "HOST_SILENCE_TIMEOUT": "0",
        "HOST_TURN_DETECTION": "vad",
        "HOST_DEEPGRAM_BASE_URL": environment["DEEPGRAM_URL"],
        "HOST_CARTESIA_BASE_URL": environment["CARTESIA_URL"],
        "HOST_OPENAI_BASE_URL": environment["OPENAI_BASE_URL"],
    }
    return Worker(("-m", "host", "start"), settings, folder, b"ready as", ready_in=READY)
