"""Deployments: a host that is told to stop, two hosts that share the calls, and LiveKit restarted.

Each test has hosts of its own, in one world.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from livekit import api
from scene import a_scene, end_of, logged

from host.local.phone import Line, NoAnswer, PersonScript, PhoneCall
from host.local.records import records_of
from host.records.outcome import Outcome
from host.runner.checkpoint import Checkpoint
from host.testing import Scene, heard_once, not_heard

pytestmark = pytest.mark.whole("hosts are stopped and killed")

GREETING = "This is the desk at night. What can I do for you?"
ANSWER = "Today is Monday."
STOPPED = "I am sorry, I have to end this call now. Please call again later. Goodbye."
SHARED = 12
"""Calls in which both of two hosts have had one, but for one time in 2,000."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def ground(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """A world without a host: each test brings its own."""
    async with a_scene(tmp_path_factory.mktemp("deploys"), "now", hosted=False) as scene:
        yield scene


class Talk:
    """A conversation that goes on when the test says so."""

    def __init__(self) -> None:
        self.greeted, self.go_on = asyncio.Event(), asyncio.Event()

    @property
    def script(self) -> PersonScript:
        """Be greeted, wait for the word, ask, be answered, hang up."""

        async def talk(line: Line) -> None:
            await line.sound()
            await line.silence_for(1.0)  # no word is waited for: a busy machine's ears miss some
            self.greeted.set()
            await self.go_on.wait()
            await line.say("What day is it?")
            await line.sound()
            await line.silence_for(1.5)
            await line.hang_up()

        return talk


async def a_call(host: Scene) -> tuple[PhoneCall, Talk]:
    """Have a conversation begin."""
    talk = Talk()
    call = await host.ring("night", talk.script)
    await asyncio.wait_for(talk.greeted.wait(), 30)
    return call, talk


async def readiness(host: Scene) -> tuple[int, dict[str, Any]]:
    """Ask a host whether it can take a call."""
    async with aiohttp.ClientSession() as web, web.get(f"{host.host.health}/readyz") as answer:
        return answer.status, await answer.json()


async def until_ready(
    host: Scene, wanted: Callable[[int, dict[str, Any]], bool], limit: float = 15.0
) -> dict[str, Any]:
    """Wait until a host's readiness is as wanted; give what it says."""
    async with asyncio.timeout(limit):
        while True:
            status, told = await readiness(host)
            if wanted(status, told):
                return told
            await asyncio.sleep(0.05)  # there is no event for it: it is asked over HTTP


def draining(status: int, told: dict[str, Any]) -> bool:
    """Tell whether a host says that it takes no new calls."""
    return status == 503 and bool(told["draining"])


def has(host: Scene, call: PhoneCall) -> bool:
    """Tell whether it is this host that has a call."""
    checkpoints = (host.folder / "state" / "unfinished").glob("*.json")
    return any(
        Checkpoint.model_validate_json(file.read_text()).state.room == call.room
        for file in checkpoints
    )


async def went_on(host: Scene, call: PhoneCall, talk: Talk) -> None:
    """Let a conversation go on, and see that it is whole."""
    talk.go_on.set()
    record = await host.over(call)
    heard_once(call, GREETING)
    heard_once(call, ANSWER)
    not_heard(call, STOPPED)
    assert (record.outcome, record.ended_by) == (Outcome.COMPLETED, "far end")
    assert record.taken_over == 0


async def said_goodbye(host: Scene, call: PhoneCall, asked: float) -> None:
    """See that a call was told goodbye and hung up, soon enough after it was asked for."""
    record = await host.over(call)
    heard_once(call, STOPPED)
    assert call.ended_by == "far end"
    assert call.ended_at is not None
    assert call.ended_at - asked < 10
    assert (record.outcome, record.ended_by) == (Outcome.FAILED, "host")
    assert record.reason == "the host was stopped"


@pytest.mark.promise("SIGTERM drains: live calls finish")
async def test_calls_that_are_live_when_a_host_drains_come_to_their_end(
    ground: Scene, tmp_path: Path
) -> None:
    async with ground.another_host(tmp_path) as host:
        status, told = await readiness(host)
        assert (status, told["live_calls"], told["registered"]) == (200, 0, True)
        calls = await asyncio.gather(a_call(host), a_call(host))
        assert (await until_ready(host, lambda status, _: status == 200))["live_calls"] == 2
        host.host.signal(signal.SIGTERM)
        told = await until_ready(host, draining, limit=2)
        assert (told["live_calls"], told["registered"]) == (2, True)
        rung = time.time()
        late = await host.exchange.ring("+15557770009", "+15550001140")
        await late.ended(10)
        assert not late.answered_at
        # Nobody rings on: within a second where the machine is idle, half of it for other hosts.
        assert (late.ended_by, end_of(late) - rung < 3) == ("far end", True)
        await asyncio.gather(*(went_on(host, *call) for call in calls))
        assert await host.host.ended(limit=10) == 0
        # A busy machine takes its time; it only must not be the 20 s that LiveKit keeps a room.
        assert time.time() - max(call.ended_at or 0 for call, _ in calls) < 12
        assert f'"room":"{late.room}"' not in (tmp_path / "calls.jsonl").read_text()


@pytest.mark.alone  # it starts hosts
async def test_a_second_signal_says_goodbye_to_who_talks_and_hangs_up_on_who_rings(
    ground: Scene, tmp_path: Path
) -> None:
    async with ground.another_host(tmp_path) as host:
        call, _ = await a_call(host)
        number = "+15552228101"
        host.exchange.connect(number, NoAnswer())
        placing = asyncio.create_task(host.place("night", number))
        rung = await host.exchange.call_to(number)
        await rung.rings()
        host.host.signal(signal.SIGTERM)
        await until_ready(host, draining, limit=2)
        assert call.ended_at is None
        host.host.signal(signal.SIGTERM)
        asked = time.time()
        await said_goodbye(host, call, asked)
        record = await host.over(rung)
        placed = await asyncio.wait_for(placing, 20)
        assert not rung.answered_at
        assert (record.outcome, placed.outcome) == (Outcome.FAILED, Outcome.FAILED)
        assert await host.host.ended(limit=15) == 0


@pytest.mark.alone  # it starts hosts
async def test_the_deadline_of_a_drain_says_goodbye(ground: Scene, tmp_path: Path) -> None:
    async with ground.another_host(tmp_path, {"HOST_DRAIN_TIMEOUT": "2"}) as host:
        call, _ = await a_call(host)
        host.host.signal(signal.SIGTERM)
        await said_goodbye(host, call, time.time() + 2)
        assert await host.host.ended(limit=15) == 0


@pytest.mark.alone  # it starts hosts
async def test_ctrl_c_while_you_work_says_goodbye_at_once(ground: Scene, tmp_path: Path) -> None:
    async with ground.another_host(tmp_path, command="dev") as host:
        call, _ = await a_call(host)
        host.host.signal(signal.SIGINT)
        await said_goodbye(host, call, time.time())
        assert await host.host.ended(limit=15) == 0


async def test_a_host_without_calls_is_gone_at_once(ground: Scene, tmp_path: Path) -> None:
    async with ground.another_host(tmp_path, command="dev") as host:
        host.host.signal(signal.SIGINT)
        assert await host.host.ended(limit=8) == 0


@pytest.mark.alone  # it starts hosts
async def test_of_two_hosts_one_drains_and_the_other_takes_what_comes(
    ground: Scene, tmp_path: Path
) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    async with ground.another_host(old) as first:
        call, talk = await a_call(first)
        async with ground.another_host(new) as second:
            first.host.signal(signal.SIGTERM)
            await until_ready(first, draining, limit=2)
            later, late_talk = await a_call(second)
            assert (has(first, later), has(second, later)) == (False, True)
            assert (await readiness(second))[0] == 200
            await went_on(first, call, talk)
            assert await first.host.ended(limit=10) == 0
            await went_on(second, later, late_talk)


@pytest.mark.alone  # it starts hosts
async def test_of_two_hosts_one_is_killed_and_the_others_calls_go_on(
    ground: Scene, tmp_path: Path
) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    async with ground.another_host(one) as first, ground.another_host(other) as second:
        live: dict[str, tuple[PhoneCall, Talk]] = {}
        for _ in range(SHARED):
            call, talk = await a_call(ground)
            name = "first" if has(first, call) else "second"
            if name in live:
                await call.hang_up()
                continue
            live[name] = call, talk
            if len(live) == 2:
                break
        assert set(live) == {"first", "second"}
        first.host.signal(signal.SIGKILL)
        killed = time.time()
        lost, _ = live["first"]
        record = await first.over(lost)
        assert lost.ended_at is not None
        assert lost.ended_at - killed < 5
        assert (record.outcome, record.ended_by) == (Outcome.FAILED, "host")
        await went_on(second, *live["second"])
        # The next deployment of it takes calls again.
        async with ground.another_host(one) as again:
            assert (await readiness(again))[0] == 200


async def until_livekit_is_back(host: Scene, outage: float) -> None:
    """Have LiveKit killed and, some seconds later, started again; wait for the host's worker."""
    await host.world.livekit.kill()
    told = await until_ready(host, lambda _, told: not told["registered"])
    assert told["reason"] == "not registered with LiveKit"
    await asyncio.sleep(outage)
    await host.world.livekit.start()
    await until_ready(host, lambda status, _: status == 200, limit=30)
    await logged(host, "reconnected to")
    log = host.log()
    assert (log.count("lost the connection to"), log.count("reconnected to")) == (1, 1)


@pytest.mark.promise("Live calls survive a restart of LiveKit")
async def test_live_calls_outlive_a_restart_of_livekit(ground: Scene, tmp_path: Path) -> None:
    async with ground.another_host(tmp_path) as host:
        calls = await asyncio.gather(a_call(host), a_call(host))
        await until_livekit_is_back(host, 1)
        for call, _ in calls:
            await both_are_back(host, call)
            assert call.ended_at is None
        await asyncio.sleep(2)  # nobody is told when a track's first sound has arrived
        await asyncio.gather(*(went_on(host, *call) for call in calls))
        await went_on(host, *await a_call(host))


async def both_are_back(host: Scene, call: PhoneCall) -> None:
    """Wait until LiveKit has the two ends of a call, and their tracks, in its room again."""
    request = api.ListParticipantsRequest(room=call.room)
    async with host.livekit() as livekit, asyncio.timeout(20):
        while True:
            there = (await livekit.room.list_participants(request)).participants
            if len(there) == 2 and all(each.tracks for each in there):
                break
            await asyncio.sleep(0.1)  # LiveKit has no event for it


@pytest.mark.alone  # it starts hosts
async def test_calls_that_a_long_outage_of_livekit_cost_are_over_and_recorded(
    ground: Scene, tmp_path: Path
) -> None:
    async with ground.another_host(tmp_path) as host:
        calls = [(await a_call(host))[0] for _ in range(2)]
        await until_livekit_is_back(host, 25)
        for call in calls:
            # LiveKit's SDK gave the room up; a telephone that comes back later is a new call to us.
            await call.hang_up()
            # One that came back and went has made a room, which LiveKit closes after 20 s.
            await host.no_room(call.room, limit=30)
            assert await records_of(tmp_path / "calls.jsonl", call.room, 20)
        await went_on(host, *await a_call(host))
