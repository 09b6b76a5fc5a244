"""The weights of LiveKit's turn detector are loaded once for all calls, or not at all."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys

import pytest
from deployment import HERE, Deployment

from host import registry
from host.registry import Registry
from host.server.shared_models import PRELOADED, SharedModels
from host.settings import Settings

LIVEKIT = {
    "LIVEKIT_URL": "ws://127.0.0.1:9",
    "LIVEKIT_API_KEY": "key",
    "LIVEKIT_API_SECRET": "a secret that is long enough for LiveKit",
}
WEIGHTS = 100
"""MB that one mapping has only where the weights are loaded."""
SILENCE, MODEL = 'turn_detection = "vad"', 'turn_detection = "model"'
OF_ANN = f'turn_detection = "stt"\n[personas.ann]\n{MODEL}'

HOST = """
import asyncio, json, os
import psutil
from host import registry
from host.dispatch.livekit import livekit_of
from host.privacy import environment
from host.server.admission import make_server
from host.server.heartbeat_monitor import HeartbeatMonitor
from host.server.shared_models import SharedModels

async def main():
    settings = registry.read_settings()
    loaded = registry.load(settings).require()
    models = SharedModels(settings, loaded)
    async with livekit_of(settings) as livekit:
        with models.preloaded(), environment.kept_from_calls(settings):
            server = make_server(settings, HeartbeatMonitor(None), livekit, dev=False)
            started = asyncio.Event()
            server.once("worker_started", started.set)
            running = asyncio.create_task(server.run(devmode=False, unregistered=True))
            await asyncio.wait_for(started.wait(), 100)
            below = []
            while len(below) < 4:  # a busy machine has started the worker without all of them
                await asyncio.sleep(0.1)
                below = psutil.Process().children(recursive=True)
            maps = [each.memory_maps(grouped=False) for each in below]
            largest = [max(map.anonymous for map in each) // 1024**2 for each in maps]
            private = [sum(map.private_dirty for map in each) // 1024**2 for each in maps]
            print(json.dumps([largest, private]), flush=True)
    os._exit(0)

asyncio.run(main())
"""


@pytest.fixture(autouse=True)
def no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests has not decided it."""
    monkeypatch.delenv(PRELOADED, raising=False)


def loaded_with(deployment: Deployment, toml: str) -> tuple[Settings, Registry]:
    """What a host with the personas Ann and Bob serves."""
    deployment.persona("ann")
    deployment.persona("bob")
    deployment.write("host.toml", toml)
    settings = registry.read_settings()
    return settings, registry.load(settings)


@pytest.mark.processes
@pytest.mark.parametrize(("toml", "weights"), [(SILENCE, False), (OF_ANN, True)])
def test_calls_share_the_weights_that_a_persona_uses(
    deployment: Deployment, toml: str, weights: bool
) -> None:
    loaded_with(deployment, toml)
    done = subprocess.run(
        [sys.executable, "-c", HOST],
        cwd=deployment.folder,
        env={**os.environ, **LIVEKIT, "PYTHONPATH": str(HERE.parent)},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.stdout, done.stderr[-4000:]
    largest, private = json.loads(done.stdout)
    assert (max(largest) > WEIGHTS) == weights
    assert max(private) < WEIGHTS, "and no process has weights of its own"


@pytest.mark.parametrize(("toml", "told"), [(SILENCE, "0"), (MODEL, "1"), (OF_ANN, "1"), ("", "1")])
def test_the_forkserver_is_told_what_personas_use(
    deployment: Deployment, toml: str, told: str
) -> None:
    with SharedModels(*loaded_with(deployment, toml)).preloaded():
        assert os.environ[PRELOADED] == told
    assert PRELOADED not in os.environ


def test_what_an_operator_has_set_counts(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PRELOADED, "off")
    models = SharedModels(*loaded_with(deployment, MODEL))
    with models.preloaded():
        assert os.environ[PRELOADED] == "off"
        assert not models.detector
    assert os.environ[PRELOADED] == "off"


def test_a_reload_that_brings_the_first_use_says_what_it_costs(
    deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    models = SharedModels(*loaded_with(deployment, SILENCE))
    models.use(*loaded_with(deployment, SILENCE))
    assert not caplog.messages
    for _ in range(2):
        models.use(*loaded_with(deployment, OF_ANN))
    (line,) = caplog.messages
    assert line.startswith("each call of ann loads the model of turn_detection")
    assert "until the host is restarted" in line


def test_nothing_is_said_where_the_weights_are_shared_already(
    deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    models = SharedModels(*loaded_with(deployment, OF_ANN))
    models.use(*loaded_with(deployment, MODEL))
    assert not caplog.messages
