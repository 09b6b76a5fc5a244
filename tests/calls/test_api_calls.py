"""Calls that programs place over HTTP: the telephone rings, and the API tells how it went.

Each test has hosts of its own, in one world.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from scene import a_number, a_scene, kill_its_process

from host.local.phone import Busy, Fails, Line, NoAnswer, Telephone
from host.local.records import records_of
from host.testing import Scene, heard_once

pytestmark = [
    pytest.mark.whole("the API is a server of the host"),
    pytest.mark.xdist_group("api"),
]
TOKEN = "the-token-of-the-whole-calls-and-of-nobody-else"
GREETING = "Good morning Ann, this is a test call."


@dataclass
class Placed:
    """A host with an API, as a program sees it."""

    host: Scene
    address: str
    http: aiohttp.ClientSession

    async def ask(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        """Send a request; give the status and the body."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        address = self.address + path
        async with self.http.request(method, address, headers=headers, **more) as answer:
            return answer.status, await answer.json()

    async def place(self, persona: str, number: str, **more: Any) -> tuple[int, Any]:
        """Ask for a call."""
        wanted = {"persona": persona, "number": number, **more}
        return await self.ask("POST", "/calls", json=wanted)

    async def until(
        self, id: str, holds: Callable[[dict[str, Any]], bool], limit: float = 60.0
    ) -> dict[str, Any]:
        """Ask for a call until something holds of it."""
        async with asyncio.timeout(limit):
            while True:
                status, call = await self.ask("GET", f"/calls/{id}")
                assert status == 200, call
                if holds(call):
                    return dict(call)
                await asyncio.sleep(0.05)  # a client of the API polls


def is_over(call: dict[str, Any]) -> bool:
    """Tell whether a call is over."""
    return bool(call["status"] == "over")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ground(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """A world without a host: each test brings its own."""
    async with a_scene(tmp_path_factory.mktemp("api"), "now", hosted=False) as scene:
        yield scene


@asynccontextmanager
async def with_api(ground: Scene, folder: Path, **more: str) -> AsyncIterator[Placed]:
    """Bring up a host with an API."""
    environment = {"HOST_API_PORT": "0", "HOST_API_TOKEN": TOKEN, **more}
    async with ground.another_host(folder, environment) as host, aiohttp.ClientSession() as http:
        found = re.search(r"the API at (http://127\.0\.0\.1:\d+)", host.log())
        assert found
        yield Placed(host, found[1], http)


async def answers(line: Line) -> None:
    """Somebody who picks up, listens, asks, and says goodbye."""
    await line.say("Hello?")
    await line.heard("this is a test call")
    await line.say("Thank you and goodbye.")
    await line.stay()


@pytest.mark.promise("The HTTP API places a call and reports its outcome")
async def test_a_call_that_a_program_asks_for_is_rung_answered_and_told_of(
    ground: Scene, tmp_path: Path
) -> None:
    async with with_api(ground, tmp_path) as api:
        number = a_number(ground, Telephone(answer_after=3.0, script=answers))
        status, asked = await api.place("leaves", number, details={"name": "Ann"})
        assert (status, asked["status"]) == (202, "queued")
        ringing = await api.until(asked["id"], lambda call: call["status"] == "ringing")
        assert ringing["outcome"] is None
        active = await api.until(asked["id"], lambda call: call["status"] == "active")
        assert active["ringing_at"] < active["answered_at"]
        over = await api.until(asked["id"], is_over)
        call = await ground.exchange.call_to(number)
        record = await api.host.over(call)
    heard_once(call, GREETING)
    assert (over["outcome"], over["reason"]) == ("completed", record.reason)
    assert (over["retryable"], over["sip_status"]) == (False, None)
    assert over["room"] == call.room == asked["room"]
    moments = ("asked_at", "dialing_at", "ringing_at", "answered_at", "ended_at")
    assert [over[name] for name in moments] == sorted(over[name] for name in moments)


async def test_a_busy_line_is_named_with_its_sip_status(ground: Scene, tmp_path: Path) -> None:
    async with with_api(ground, tmp_path) as api:
        number = a_number(ground, Busy())
        _, asked = await api.place("leaves", number, details={"name": "Ann"})
        over = await api.until(asked["id"], is_over)
    assert (over["outcome"], over["sip_status"], over["retryable"]) == ("busy", 486, True)
    assert over["answered_at"] is None
    assert len(ground.exchange.ledger.of("INVITE", number=number)) == 1


async def test_fifty_equal_requests_at_once_ring_a_telephone_once(
    ground: Scene, tmp_path: Path
) -> None:
    async with with_api(ground, tmp_path) as api:
        number = a_number(ground, Busy())
        wanted = {"details": {"name": "Ann"}, "idempotency_key": "order-7"}
        told = await asyncio.gather(*(api.place("leaves", number, **wanted) for _ in range(50)))
        assert {status for status, _ in told} == {202}
        assert len({call["id"] for _, call in told}) == 1
        over = await api.until(told[0][1]["id"], is_over)
        assert over["outcome"] == "busy"
        assert await api.place("leaves", number, **wanted) == (202, over)
    assert len(ground.exchange.ledger.of("INVITE", number=number)) == 1


async def test_what_may_not_be_called_and_what_does_not_fit_rings_nowhere(
    ground: Scene, tmp_path: Path
) -> None:
    before = len(ground.exchange.ledger.of("INVITE"))
    async with with_api(ground, tmp_path) as api:
        for number in ("+19005551234", "+8821612345678", "+18765551234"):
            status, told = await api.place("leaves", number, details={"name": "Ann"})
            assert (status, set(told)) == (403, {"detail", "rule", "retry_at"})
        assert (await api.place("leaves", a_number(ground), details={}))[0] == 422
        assert (await api.place("nobody", a_number(ground)))[0] == 422
        assert (await api.place("leaves", "sip:ann@evil.example"))[0] == 422
        assert not list((tmp_path / "state" / "unfinished").glob("*"))
    assert len(ground.exchange.ledger.of("INVITE")) == before


@pytest.mark.alone  # it starts hosts
async def test_a_call_that_another_host_has_is_told_of_too(ground: Scene, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("ours", "others")]
    for folder in folders:
        folder.mkdir()
    async with (
        with_api(ground, folders[0], HOST_MAX_CALLS="1") as api,
        ground.another_host(folders[1]),
    ):
        numbers = [a_number(ground, NoAnswer()) for _ in range(4)]
        told = await asyncio.gather(*(api.place("patient", number) for number in numbers))
        overs = [await api.until(call["id"], is_over) for _, call in told]
        assert [over["outcome"] for over in overs] == ["no_answer"] * 4
        async with asyncio.timeout(20):
            while not (folders[1] / "calls.jsonl").exists():
                await asyncio.sleep(0.05)  # the other host writes it: there is no event
    for number in numbers:
        assert len(ground.exchange.ledger.of("INVITE", number=number)) == 1


async def test_a_host_that_drains_takes_no_call_and_tells_of_the_live_one(
    ground: Scene, tmp_path: Path
) -> None:
    goes_on = asyncio.Event()

    async def waits(line: Line) -> None:
        await line.say("Hello?")
        await line.sound()
        await goes_on.wait()
        await line.hang_up()

    async with with_api(ground, tmp_path) as api:
        number = a_number(ground, Telephone(script=waits))
        _, asked = await api.place("leaves", number, details={"name": "Ann"})
        await api.until(asked["id"], lambda call: call["status"] == "active")
        api.host.host.signal(signal.SIGTERM)
        async with asyncio.timeout(5):
            told: dict[str, Any] = {}
            status = 202
            while status == 202:  # the signal is on its way
                number = a_number(ground, Busy())
                status, told = await api.place("leaves", number, details={"name": "Ann"})
        assert status == 503
        assert "draining" in told["detail"]
        status, active = await api.ask("GET", f"/calls/{asked['id']}")
        assert (status, active["status"]) == (200, "active")
        goes_on.set()
        assert await api.host.host.ended(30) == 0
    async with with_api(ground, tmp_path) as api:
        over = await api.until(asked["id"], is_over)
    assert over["outcome"] == "completed"


async def test_a_call_whose_host_was_killed_is_told_of_by_the_next_one(
    ground: Scene, tmp_path: Path
) -> None:
    async def stays(line: Line) -> None:
        await line.say("Hello?")
        await line.stay()

    number = a_number(ground, Telephone(script=stays))
    async with with_api(ground, tmp_path) as api:
        _, asked = await api.place("leaves", number, details={"name": "Ann"})
        await api.until(asked["id"], lambda call: call["status"] == "active")
        api.host.host.signal(signal.SIGKILL)
        call = await ground.exchange.call_to(number)
        await call.ended(15)
    async with with_api(ground, tmp_path) as api:
        over = await api.until(asked["id"], is_over)
        assert (over["outcome"], over["reason"]) == ("failed", "the host process died")
        records = (tmp_path / "calls.jsonl").read_text().splitlines()
        assert [json.loads(record)["room"] for record in records] == [asked["room"]]
    assert len(ground.exchange.ledger.of("INVITE", number=number)) == 1


async def accepted(api: Placed, number: str) -> dict[str, Any]:
    """Ask for a call until the host takes the request: without LiveKit, it refuses some."""
    async with asyncio.timeout(30):
        while True:
            status, call = await api.place("leaves", number, details={"name": "Ann"})
            if status == 202:
                return dict(call)
            assert status == 503, call
            await asyncio.sleep(0.5)  # as a client of the API does


async def without_livekit(ground: Scene, seconds: float) -> None:
    """Have LiveKit killed, and started again some seconds later."""
    await ground.world.livekit.kill()
    await asyncio.sleep(seconds)
    await ground.world.livekit.start()


@pytest.mark.alone  # it starts hosts
@pytest.mark.timeout(480)
async def test_fifty_calls_are_told_of_as_their_records_say_whatever_breaks(
    ground: Scene, tmp_path: Path
) -> None:
    dice = random.Random(50)
    asked: list[dict[str, Any]] = []
    for _ in range(2):  # the first host is killed with its calls
        async with (
            with_api(ground, tmp_path, HOST_MAX_CALLS="4") as api,
            asyncio.TaskGroup() as beside,
        ):
            for count in range(25):
                telephone = dice.choice([Busy(), Fails(503), Fails(603), Telephone(script=answers)])
                number = a_number(ground, telephone)
                asked.append(await accepted(api, number))
                await asyncio.sleep(dice.uniform(0, 2))
                if dice.random() < 0.2:
                    with suppress(ValueError, ProcessLookupError):  # no process has it
                        kill_its_process(api.host, dice.choice(asked)["room"])
                if count in (6, 16):
                    beside.create_task(without_livekit(ground, dice.uniform(0.5, 3)))
            if len(asked) == 25:
                api.host.host.signal(signal.SIGKILL)
                continue
            for call in asked:
                await api.until(call["id"], is_over, 120)
            for call in asked:
                records = await records_of(tmp_path / "calls.jsonl", call["room"], 40)
                assert len(records) == 1, [(one.outcome, one.reason) for one in records]
                _, told = await api.ask("GET", f"/calls/{call['id']}")
                assert told["outcome"] == records[0].outcome, (told["reason"], records[0].reason)
