"""What calls cost stands in their records, by the prices of host.toml."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from in_memory.world import MemoryScene
from people import asks_two_personas
from receiver import SECRET
from scene import HERE, a_memory_scene, checkpoints_of, kill_its_process

from host.local.phone import Line, Telephone
from host.records.cost import Cost
from host.runner.checkpoint import DIED
from host.testing import Scene

pytestmark = pytest.mark.memory

PRICES = """
[prices]
currency = "EUR"

[prices.models."deepgram/*"]
audio = 0.6

[prices.models."cartesia/sonic-3"]
characters = 0.05

[prices.models."cartesia/sonic-2"]
characters = 0.5

[prices.line]
inbound = 0.6
outbound = 1.2
"""


@pytest.fixture
async def scene(
    deployment_in_memory: Path, tmp_path: Path, virtual_clock: None
) -> AsyncIterator[MemoryScene]:
    """A host in memory whose host.toml has prices."""
    toml = tmp_path / "host.toml"
    toml.write_text((HERE / "host.toml").read_text() + PRICES)
    more = {
        "HOST_CONFIG": str(toml),
        "HOST_WEBHOOK_URL": "http://receiver.invalid/calls",
        "HOST_WEBHOOK_SECRET": SECRET,
    }
    async with a_memory_scene(tmp_path, deployment_in_memory, "now", more=more) as scene:
        yield scene


def of(cost: Cost | None, kind: str) -> dict[str, float]:
    """The parts of a kind, by name."""
    assert cost is not None
    assert cost.currency == "EUR"
    assert cost.total == pytest.approx(sum(part.amount for part in cost.parts))
    return {part.name: part.amount for part in cost.parts if part.kind == kind}


async def test_each_personas_models_are_priced_after_a_handover(scene: Scene) -> None:
    record = await scene.over(await scene.ring("lobby", asks_two_personas))
    assert [share.name for share in record.personas] == ["lobby", "workshop"]
    spoken = {use.model: use.amounts for use in record.usage if use.kind == "tts"}
    assert of(record.cost, "tts") == {
        f"Cartesia/{model}": pytest.approx(price * spoken[model]["characters_count"] / 1000)
        for model, price in (("sonic-3", 0.05), ("sonic-2", 0.5))
    }
    heard = {use.model: use.amounts["audio_duration"] for use in record.usage if use.kind == "stt"}
    assert set(heard) == {"nova-3", "nova-2"}
    assert of(record.cost, "stt") == {
        f"Deepgram/{model}": pytest.approx(seconds / 100, abs=1e-6)
        for model, seconds in heard.items()
    }
    assert record.cost is not None
    assert [each.split()[0] for each in record.cost.unpriced] == ["llm"]


async def test_the_line_is_priced_by_its_direction(scene: Scene) -> None:
    inbound = await scene.over(await scene.ring("lobby", asks_two_personas))
    assert inbound.our_number
    [priced] = of(inbound.cost, "line").values()
    assert priced == pytest.approx(inbound.duration / 100, abs=0.01)

    async def talks(line: Line) -> None:
        await line.heard("which day suits you")
        await line.hang_up()

    _, _, outbound = await scene.place_to(Telephone(script=talks), "books")
    [(name, amount)] = of(outbound.cost, "line").items()
    assert name == f"outbound {scene.settings.trunk}"
    assert amount == pytest.approx(outbound.duration / 50, abs=0.02)


async def test_the_webhook_has_the_cost(scene: Scene) -> None:
    record = await scene.over(await scene.ring("lobby", asks_two_personas))
    [waiting] = (scene.settings.state_dir / "webhooks").glob("*.json")
    assert record.cost is not None
    told = json.loads(waiting.read_text())["data"]["cost"]
    assert told == record.cost.model_dump()


async def test_a_call_whose_process_died_for_good_has_its_cost(scene: Scene) -> None:
    call = await scene.ring("firm", Line.stay)
    await call.pulse.until(
        lambda: any(each["state"]["usage"] for each in checkpoints_of(scene, call.room)),
        30,
        "a checkpoint with what was used",
    )
    kill_its_process(scene, call.room)
    record = await scene.over(call)
    assert record.reason == DIED
    assert sum(of(record.cost, "tts").values()) > 0
    assert sum(of(record.cost, "line").values()) > 0
