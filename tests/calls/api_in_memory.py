"""The calls of the HTTP API without its HTTP and without its processes, for tests in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from host.runner.aftermath import emit_call_ended
from host.runner.checkpoint import Checkpoint, CheckpointStore
from host.server.api.placing import Placing
from host.server.api.schemas import AskedCall
from host.settings import Settings
from host.testing import Scene


def have_no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no process check details, or tell of the end of a call: the clock is not its own."""

    async def emit(settings: Settings, checkpoint: Checkpoint, *, dev: bool) -> None:
        await emit_call_ended(settings, checkpoint)
        CheckpointStore(settings.state_dir).close(checkpoint.state.id)

    async def faults(self: object, metadata: str) -> list[object]:
        return []

    monkeypatch.setattr("host.server.api.unplaced.emit_call_ended", emit)
    monkeypatch.setattr("host.server.api.checking.DetailsValidator.faults", faults)


@asynccontextmanager
async def the_api(scene: Scene) -> AsyncIterator[Placing]:
    """The calls of an API, which goes on with those of its last run."""
    placing = Placing(scene.settings)
    await placing.resume()
    try:
        yield placing
    finally:
        await placing.close()


async def over(placing: Placing, id: str) -> AskedCall:
    """Ask for a call until it is over."""
    async with asyncio.timeout(1200):
        while True:
            told = await placing.read(id)
            assert told
            if told.status == "over":
                return told
            await asyncio.sleep(0.5)  # a client of the API polls
