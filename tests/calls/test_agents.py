"""LiveKit's own hand-overs inside one persona: Agents, AgentTasks and task groups."""

from __future__ import annotations

import pytest
from scene import checkpoints_of

from host.local.phone import Line
from host.testing import Scene, heard_once, not_heard

SECOND = "Here is the second agent."


@pytest.mark.memory
@pytest.mark.parametrize("way", ["return", "update", "both", "report and update"])
@pytest.mark.table(quick=3)
async def test_a_tool_hands_over_to_another_agent(scene: Scene, way: str) -> None:
    async def asks(line: Line) -> None:
        await line.heard("the first agent")
        await line.say(f"Hand me over by {way}.")
        await line.heard("the second agent", 30)
        await line.say("What day is it?")
        await line.heard("today is monday")
        await line.hang_up()

    call = await scene.ring("agents", asks)
    record = await scene.over(call)
    heard_once(call, SECOND)
    assert [share.name for share in record.personas] == ["agents"], "the persona is the same"
    told = scene.world.llm.requests[-1]["messages"][0]["content"]
    assert told.startswith("You are the second agent")
    assert [tool.failed for tool in record.tools] == [False]


@pytest.mark.memory
async def test_an_agent_returned_after_a_progress_report_is_refused_and_the_model_knows(
    scene: Scene,
) -> None:
    async def asks(line: Line) -> None:
        await line.heard("the first agent")
        await line.say("Hand me over by report and return.")
        await line.heard("stay with the first", 30)
        await line.hang_up()

    call = await scene.ring("agents", asks)
    record = await scene.over(call)
    not_heard(call, SECOND)
    (tool,) = record.tools
    assert (tool.failed, tool.result) == (True, "the agent handoff did not happen")


@pytest.mark.memory
async def test_tasks_run_one_after_the_other_and_a_handover_waits_for_them(scene: Scene) -> None:
    async def answers(line: Line) -> None:
        await line.heard("the first agent")
        await line.say("Ask me twice.")
        await line.heard("what is your name")
        await line.press("1")
        await line.say("Ann.")
        await line.heard("where do you live")
        await line.say("In Boston.")
        await line.heard("now i know")
        await line.wait(1)
        await line.hang_up()

    call = await scene.ring("agents", answers)
    refused: list[str] = []

    def is_refused() -> bool:
        checkpoints = checkpoints_of(scene, call.room)
        kept = checkpoints[0]["kept"] if checkpoints else {}
        refused.extend(filter(None, [kept.get("refused")]))
        return bool(refused)

    await call.pulse.until(is_refused, 60, "a refusal")
    record = await scene.over(call)
    assert refused[0] == "a task of agents is under way"
    assert [(tool.name, tool.result) for tool in record.tools] == [
        ("ask_twice", "Ann. of In Boston.")
    ]
    heard_once(call, "Now I know.")
