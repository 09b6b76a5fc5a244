"""As many processes wait as calls have begun together; those taken are replaced after greetings."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from live_calls import joined, now
from livekit.agents import AgentServer, JobExecutorType
from livekit.agents.ipc.proc_pool import ProcPool

from host.server import heartbeat_monitor, idle
from host.server.heartbeat_monitor import HeartbeatMonitor, WatchedCall
from host.server.idle import IdleProcesses

NUMBER, MAX_CALLS = 2, 100


@pytest.fixture
async def pool() -> ProcPool:
    """LiveKit's pool of processes, which has started none."""
    nothing: Any = print
    return ProcPool(
        initialize_process_fnc=nothing,
        job_entrypoint_fnc=nothing,
        session_end_fnc=None,
        simulation_end_fnc=None,
        num_idle_processes=NUMBER,
        initialize_timeout=60,
        close_timeout=10,
        session_end_timeout=10,
        inference_executor=None,
        job_executor_type=JobExecutorType.PROCESS,
        mp_ctx=multiprocessing.get_context("forkserver"),
        memory_warn_mb=0,
        memory_limit_mb=0,
        http_proxy=None,
        loop=asyncio.get_running_loop(),
    )


@pytest.fixture
async def heartbeats(pool: ProcPool) -> AsyncIterator[HeartbeatMonitor]:
    """The calls of a host with this pool."""

    async def lost(call: WatchedCall) -> None:
        pass

    async with HeartbeatMonitor(lost).listening() as heartbeats:
        heartbeats.on_numbers = of_a_pool(pool).follow
        yield heartbeats


def of_a_pool(pool: ProcPool, max_calls: int = MAX_CALLS) -> IdleProcesses:
    """The idle processes of a host that has this pool."""
    server: Any = SimpleNamespace(_proc_pool=pool)
    return IdleProcesses(server, NUMBER, lambda: max_calls)


def test_a_server_that_does_not_run_yet_is_left_alone() -> None:
    IdleProcesses(AgentServer(), NUMBER, lambda: MAX_CALLS).follow(1, 1)


async def test_nothing_is_replaced_while_a_call_begins_and_one_process_waits_in_any_case(
    heartbeats: HeartbeatMonitor, pool: ProcPool
) -> None:
    assert pool.target_idle_processes == NUMBER
    heartbeats.expect("AJ_1", "a-room")
    assert pool.target_idle_processes == NUMBER - 1
    for call in ("AJ_2", "AJ_3"):
        heartbeats.expect(call, "another-room")
    assert pool.target_idle_processes == 1
    for call in ("AJ_1", "AJ_2", "AJ_3"):
        heartbeats.forget(call)
    assert pool.target_idle_processes == 3  # as many as have begun together


def _after(processes: IdleProcesses, *beginning: int) -> None:
    """Have so many calls begin, one after the other; no other call is live."""
    for calls in beginning:
        processes.follow(calls, calls)


async def test_as_many_processes_wait_as_calls_have_begun_together(
    pool: ProcPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(idle, "_now", lambda: now)
    processes = of_a_pool(pool)
    _after(processes, 1, 2, 3, 4, 5, 4, 3, 2, 1, 0)
    assert pool.target_idle_processes == 5
    now += 500
    _after(processes, 1, 2, 3, 2, 1)
    assert pool.target_idle_processes == 4  # one of them begins
    now += 200  # of five calls together ten minutes have gone, and not of three
    _after(processes, 0)
    assert pool.target_idle_processes == 3
    now += 500
    _after(processes, 1, 0)
    assert pool.target_idle_processes == NUMBER


async def test_the_processes_that_wait_are_limited(pool: ProcPool) -> None:
    _after(of_a_pool(pool), *range(50), *reversed(range(50)))
    assert pool.target_idle_processes == idle.MOST


async def test_no_process_waits_for_a_call_that_the_host_would_not_take(pool: ProcPool) -> None:
    processes = of_a_pool(pool, max_calls=6)
    _after(processes, *range(7))
    processes.follow(6, 0)
    assert pool.target_idle_processes == NUMBER  # six talk
    processes.follow(2, 0)
    assert pool.target_idle_processes == 4
    processes.follow(0, 0)
    assert pool.target_idle_processes == 6


@pytest.mark.processes
async def test_the_pool_starts_as_many_as_calls_have_begun_together(pool: ProcPool) -> None:
    starting: list[Any] = []
    pool.on("process_created", starting.append)
    await pool.start()
    try:
        assert len(starting) == NUMBER
        _after(of_a_pool(pool), 1, 2, 3, 4, 3, 2, 1, 0)
        await _until(lambda: len(starting) == 4)
    finally:
        await pool.aclose()  # or the loop waits for its processes for ever


@pytest.mark.processes
async def test_a_process_is_replaced_once_its_call_has_greeted(
    heartbeats: HeartbeatMonitor, pool: ProcPool
) -> None:
    heartbeats.expect("AJ_1", "a-room")
    process = await joined(heartbeats, "line.greeted(); await asyncio.sleep(60)")
    assert pool.target_idle_processes == NUMBER - 1
    now(process)
    await _until(lambda: pool.target_idle_processes == NUMBER)
    assert "AJ_1" in heartbeats
    process.kill()
    process.communicate(timeout=10)


@pytest.mark.processes
async def test_a_call_that_does_not_greet_holds_nothing_back_for_long(
    heartbeats: HeartbeatMonitor, pool: ProcPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat_monitor, "BEGINNING", 0.3)
    heartbeats.expect("AJ_1", "a-room")
    assert pool.target_idle_processes == NUMBER - 1
    await _until(lambda: pool.target_idle_processes == NUMBER)
    assert "AJ_1" in heartbeats


async def _until(holds: Any) -> None:
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.05)  # the parent looks twice a second: there is no event
