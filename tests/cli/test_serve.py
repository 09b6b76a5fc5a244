"""Commands that serve calls."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator
from typing import Any

import pytest
from canaries import NUMBER
from deployment import Deployment

from host.cli import serve
from host.cli.running import masked_output
from host.registry import Use
from host.settings import Settings


@pytest.mark.parametrize("dev", [True, False])
async def test_all_output_of_a_serving_host_is_masked(
    deployment: Deployment,
    dev: bool,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    async def tells(settings: Settings, **facts: Any) -> None:
        for descriptor in (1, 2):
            os.write(descriptor, f"told {NUMBER}\n".encode())

    @contextlib.asynccontextmanager
    async def world(local: bool, lines: object) -> AsyncIterator[tuple[Settings, Use]]:
        yield Settings(), lambda settings, loaded: None

    monkeypatch.setattr("host.cli.servable.require_servable", lambda settings, **facts: None)
    monkeypatch.setattr("host.cli.serve.world_of", world)
    monkeypatch.setattr("host.server.serve.serve", tells)
    with masked_output():  # as `main` has it around these commands
        await serve._serve(dev=dev, local=False, strict=False)
    assert capfd.readouterr() == ("told +1…57\n", "told +1…57\n")
