"""Calls whose persona has the tools of MCP servers."""

from __future__ import annotations

import pytest

from host.local.phone import Line
from host.records.outcome import Outcome
from host.testing import Scene, heard_once

IN_PROCESS = pytest.mark.memory("the servers are in the process of the call")


@IN_PROCESS
async def test_a_server_s_tool_is_used_while_another_one_is_silent(scene: Scene) -> None:
    async def asks(line: Line) -> None:
        await line.heard("good morning")
        await line.say("Where is my order?")
        await line.heard("comes on friday")
        await line.hang_up()

    call = await scene.ring("orders", asks)
    record = await scene.over(call)
    assert heard_once(call, "Order line, good morning.").start < 1
    heard_once(call, "Your order comes on Friday.")
    (used,) = record.tools
    assert (used.name, used.arguments) == ("find_order", '{"number": "7"}')
    assert used.result == "Order 7 comes on Friday."
    assert record.outcome is Outcome.COMPLETED


@IN_PROCESS
async def test_the_caller_may_speak_while_a_server_works(scene: Scene) -> None:
    async def asks(line: Line) -> None:
        await line.heard("good morning")
        await line.say("Where is my parcel?")
        await line.wait(5)
        await line.say("What day is it?")
        await line.heard("today is monday")
        await line.heard("in berlin", 40)
        await line.wait(6)
        await line.hang_up()

    call = await scene.ring("orders", asks)
    record = await scene.over(call, 90)
    heard_once(call, "Your parcel is in Berlin.")
    assert [(used.name, used.result) for used in record.tools] == [
        ("find_parcel", "It is in Berlin.")
    ]


@IN_PROCESS
async def test_the_host_hangs_up_though_a_server_has_a_tool_of_that_name(scene: Scene) -> None:
    async def asks(line: Line) -> None:
        await line.heard("good morning")
        await line.say("That is all, goodbye.")
        await line.stay()

    call = await scene.ring("orders", asks)
    record = await scene.over(call)
    assert (record.outcome, record.ended_by) == (Outcome.COMPLETED, "persona")
