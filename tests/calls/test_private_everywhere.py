"""A host with everything on, and canaries in all that it is given: nothing that leaves it has one.

The tests beside this one look below the host's folder; here, also at whatever it tells over the
network: webhooks, traces, metrics, and the answers of its API.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from canaries import NUMBER, SECRETS, found_below, found_in
from collector import CollectorStandIn
from receiver import FarSide
from scene import HERE, a_scene, kill_its_process

from host.local.phone import Line, Telephone
from host.records.outcome import Outcome
from host.records.record import CallRecord
from host.testing import Scene, heard_once

pytestmark = [
    pytest.mark.whole("all that processes write is searched"),
    pytest.mark.xdist_group("everywhere"),
]

LEAKY, RECORDED, BILLING = "+15550001160", "+15550001161", "+15550003001"


@dataclass
class Outside:
    """A host, and all that it has told anybody."""

    scene: Scene
    far_side: FarSide
    collector: CollectorStandIn
    answers: list[str] = field(default_factory=list)
    """What its API and its metrics have answered."""

    async def get(self, path: str, what: str = "the API", **more: Any) -> Any:
        """Ask the API, or the metrics, and keep the answer."""
        address = re.findall(rf"{what} at (http://127\.0\.0\.1:\d+)", self.scene.log())[0]
        headers = {"Authorization": f"Bearer {SECRETS['HOST_API_TOKEN']}"}
        method = "POST" if more else "GET"
        async with (
            aiohttp.ClientSession() as http,
            http.request(method, address + path, headers=headers, **more) as answer,
        ):
            self.answers += [await answer.text(), repr(answer.headers)]
            return await answer.json() if "json" in answer.content_type else None

    async def told(self, record: CallRecord) -> None:
        """Wait until a call has been told of everywhere, and find no canary in any of it."""
        id = f"call_{record.id}"
        await self.far_side.until(lambda: id in self.far_side.accepted)
        async with asyncio.timeout(15):
            while not self.collector.trace_of(record.id):
                await asyncio.sleep(0.05)  # spans come in batches of their own
            while list((self.scene.settings.state_dir / "unfinished").glob("*.json")):
                await asyncio.sleep(0.05)  # the call's process removes it: there is no event
        await self.get("/metrics", "metrics")
        assert "host_calls_total" in self.answers[-2]
        assert any(record.id in body for _, _, body in self.far_side.requests)
        heard = [str(each) for each in self.far_side.requests]
        sent = "\n".join([*heard, *self.answers]).encode() + self.collector.received
        assert found_in(sent) == []
        assert list(found_below(self.scene.folder)) == []


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def outside(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Outside]:
    """A host that tells everybody, whose settings open nothing."""
    folder = tmp_path_factory.mktemp("everywhere")
    toml = (HERE / "host.toml").read_text()
    toml = re.sub(r"^(record|log)_\w+ = true\n", "", toml, flags=re.MULTILINE)
    toml = toml.replace("pass_environment = [", 'pass_environment = ["CANARY_CRM_TOKEN", ')
    (folder / "host.toml").write_text(toml)
    far_side = FarSide()
    await far_side.up()
    async with CollectorStandIn() as collector:
        more = {
            "HOST_CONFIG": str(folder / "host.toml"),
            "HOST_STATE_DIR": str(folder / "state"),
            "HOST_WEBHOOK_URL": far_side.url,
            "HOST_METRICS_PORT": "0",
            "HOST_OTLP_ENDPOINT": collector.url,
            "HOST_API_PORT": "0",
            # The witness among the plugins writes down whatever it is told, as any plugin may.
            "TEST_EVENTS": os.devnull,
        }
        async with a_scene(folder, "now", more, agent_name="everywhere") as scene:
            yield Outside(scene, far_side, collector)
    await far_side.close()


async def test_a_persona_whose_errors_quote_everything(outside: Outside) -> None:
    async def asks(line: Line) -> None:
        await line.heard("this is the leaky desk")
        await line.press("7")
        await line.say("Please look me up.")
        await line.heard("I can not find you")
        await line.hang_up()

    call = await outside.scene.exchange.ring(NUMBER, LEAKY, asks)
    record = await outside.scene.over(call)
    assert record.outcome is Outcome.COMPLETED
    assert [tool.failed for tool in record.tools] == [True]
    await outside.told(record)
    log = outside.scene.log()
    for told in ("prepare_call", "look_up", "digit_pressed", "call_ended", "crm.example"):
        assert told in log, f"{told} was not told at all"


async def test_a_call_that_fails_over_an_error_that_quotes_everything(outside: Outside) -> None:
    outside.scene.exchange.connect(NUMBER, Telephone(answer_after=0.5))
    placed = await outside.scene.place("leaky", NUMBER, breaks=True)
    record = await outside.scene.record(placed.room)
    assert record.outcome is Outcome.FAILED
    assert record.error
    assert "greeting" in record.error
    await outside.told(record)


async def test_a_call_that_is_recorded_and_transferred(outside: Outside) -> None:
    async def asks(line: Line) -> None:
        await line.heard("desk of the museum")
        await line.say("Give me the cash desk please.")
        await line.stay()

    outside.scene.exchange.connect(BILLING, Telephone(answer_after=0.5))
    call = await outside.scene.exchange.ring(NUMBER, RECORDED, asks)
    record = await outside.scene.over(call)
    assert record.outcome is Outcome.TRANSFERRED
    assert record.recording
    await outside.told(record)


async def test_a_call_that_is_taken_over(outside: Outside) -> None:
    async def goes_on(line: Line) -> None:
        await line.heard("this is the leaky desk")
        await line.heard("please go on", limit=30)
        await line.hang_up()

    call = await outside.scene.exchange.ring(NUMBER, LEAKY, goes_on)
    await call.pulse.until(lambda: "leaky desk" in str(call.heard), 20, "the greeting")
    kill_its_process(outside.scene, call.room)
    record = await outside.scene.over(call, 60)
    assert record.taken_over == 1
    heard_once(call, "I am sorry, we were cut off for a moment. I am here again, please go on.")
    await outside.told(record)


async def test_a_call_that_a_program_asks_for(outside: Outside) -> None:
    async def answers(line: Line) -> None:
        await line.say("Hello?")
        await line.heard("this is a test call")
        await line.hang_up()

    outside.scene.exchange.connect(NUMBER, Telephone(answer_after=0.5, script=answers))
    wanted = {"persona": "leaves", "number": NUMBER, "details": {"name": "Ann"}}
    asked = await outside.get("/calls", json=wanted)
    async with asyncio.timeout(60):
        while (call := await outside.get(f"/calls/{asked['id']}"))["status"] != "over":
            await asyncio.sleep(0.2)  # a client of the API polls
    assert call["outcome"] == "completed"
    await outside.told(await outside.scene.record(call["room"]))
    await outside.get("/openapi.json")
    refused = await outside.get("/calls", json=wanted | {"number": NUMBER, "details": {}})
    assert "name" in str(refused)
    assert found_in("".join(outside.answers).encode()) == []
