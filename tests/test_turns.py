"""Whole calls that load the machine on purpose wait for the others, and the others for them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from turns import turn


async def test_one_who_is_alone_waits_for_the_others_and_those_who_come_later_for_it(
    tmp_path: Path,
) -> None:
    order: list[str] = []
    leave = {name: asyncio.Event() for name in ("first", "second", "alone", "late")}
    there = {name: asyncio.Event() for name in leave}

    async def go(name: str) -> None:
        async with turn(tmp_path, alone=name == "alone"):
            order.append(name)
            there[name].set()
            await leave[name].wait()
        order.append(f"{name} left")

    async with asyncio.timeout(10), asyncio.TaskGroup() as all_of_them:
        for name in ("first", "second"):
            all_of_them.create_task(go(name))
            await there[name].wait()  # two who are not alone do not wait for each other
        all_of_them.create_task(go("alone"))
        await asyncio.sleep(0)  # it is at the door
        all_of_them.create_task(go("late"))
        leave["first"].set()
        leave["second"].set()
        await there["alone"].wait()
        assert not there["late"].is_set()
        leave["alone"].set()
        await there["late"].wait()
        leave["late"].set()
    assert order.index("alone") > order.index("first left")
    assert order.index("alone") > order.index("second left")
    assert order.index("late") > order.index("alone left")


async def test_a_third_waits_until_one_of_two_has_left(tmp_path: Path) -> None:
    leave, third = asyncio.Event(), asyncio.Event()

    async def go(came: asyncio.Event, until: asyncio.Event) -> None:
        async with turn(tmp_path, alone=False):
            came.set()
            await until.wait()

    for_ever = asyncio.Event()
    async with asyncio.timeout(10), asyncio.TaskGroup() as all_of_them:
        for until in (leave, for_ever):
            came = asyncio.Event()
            all_of_them.create_task(go(came, until))
            await came.wait()
        all_of_them.create_task(go(third, for_ever))
        await asyncio.sleep(0.2)  # that somebody is not let in has no event
        assert not third.is_set()
        leave.set()
        await third.wait()
        for_ever.set()
