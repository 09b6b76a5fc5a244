"""The apps of docs/moving.md, moved by following it: their calls in and out."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from deployment import Deployment
from in_memory.world import MemoryScene, open_project
from livekit import api
from livekit.agents import Agent, llm
from moved import PAGE, files, write_project
from pages import blocks
from people import MAILBOX
from scene import a_number, answer_of
from turns import while_a_world_starts

from host.local.phone import Busy, Line, Telephone, voicemail
from host.local.rule_files import read_rules
from host.local.rules import Rule
from host.records.outcome import Outcome
from host.speech.persona_agent import tools_of
from host.testing import Scene, a_call, heard_once, not_heard, open_scene

pytestmark = pytest.mark.xdist_group("moved")  # the project has a host and a world of its own

OFFICE = "+15550003333"
OPENING_HOURS = (
    Rule(persona="assistant", hears="saturday", calls=("opening_hours", {"day": "Saturday"})),
    Rule(persona="assistant", after="opening_hours", says="We are closed on Saturday."),
)
APPOINTMENT = {"name": "Ann", "time": "tomorrow at 3pm"}
GREETING = "Hello Ann, this is Molar Dental. Can you come tomorrow at 3pm?"


def rules_of(project: Path) -> tuple[Rule, ...]:
    """What the local model answers: the page's rules for one persona, and ours for the other."""
    return (*OPENING_HOURS, *read_rules(project / "personas", ["scheduler"]))


@pytest.fixture
async def memory_scene(tmp_path: Path, virtual_clock: None) -> AsyncIterator[MemoryScene]:
    """A host in memory that serves the moved project."""
    project = write_project(tmp_path / "dental")
    rules = rules_of(project)
    async with open_project(project, tmp_path, rules=rules, agent_name="dental") as scene:
        yield scene


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def whole_scene(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """A host in a process of its own that serves the moved project."""
    project = write_project(tmp_path_factory.mktemp("moved") / "dental")
    environment = {
        "HOST_CONFIG": str(project / "host.toml"),
        "HOST_PERSONAS_DIR": str(project / "personas"),
        "HOST_PLUGINS_DIR": str(project / "plugins"),
    }
    async with AsyncExitStack() as stack:
        async with while_a_world_starts():
            rules = rules_of(project)
            opened = open_scene(project, environment, rules=rules, agent_name="dental")
            scene = await stack.enter_async_context(opened)
        yield scene


async def test_the_agent_that_answered_answers_and_keeps_its_tool(scene: Scene) -> None:
    async def asks(line: Line) -> None:
        await line.heard("how can i help you")
        await line.say("Are you open on Saturday?")
        await line.heard("closed on saturday")
        await line.say("Thank you and goodbye.")
        await line.stay()

    call = await scene.ring("+15550001111", asks)
    record = await scene.over(call)
    heard_once(call, "Molar Dental, how can I help you?")
    assert [tool.name for tool in record.tools] == ["opening_hours", "end_call"]
    assert (record.persona, record.outcome, record.ended_by) == (
        "assistant",
        Outcome.COMPLETED,
        "persona",
    )


async def test_a_patient_who_answers_is_greeted_and_books_another_time(scene: Scene) -> None:
    async def patient(line: Line) -> None:
        await line.say("Hello?")
        await line.heard("can you come tomorrow")
        await line.say("I need another day.")
        await line.heard("are free")
        await line.say("Then Friday at two.")
        await line.heard("booked for friday")
        await line.say("Thank you and goodbye.")
        await line.stay()

    _, call, record = await scene.place_to(
        Telephone(answer_after=2.0, script=patient), "scheduler", **APPOINTMENT
    )
    assert heard_once(call, GREETING).start > 0
    assert call.ended_by == "far end"
    assert record.results == {"appointment": {"date": "Friday", "time": "2pm"}}
    assert (record.outcome, record.ended_by) == (Outcome.COMPLETED, "persona")


async def test_a_patient_who_wants_a_person_is_transferred_to_the_office(scene: Scene) -> None:
    async def patient(line: Line) -> None:
        await line.heard("can you come tomorrow")
        await line.say("Can I talk to a person?")
        await line.stay()

    scene.exchange.connect(OFFICE, Telephone())
    _, call, record = await scene.place_to(Telephone(script=patient), "scheduler", **APPOINTMENT)
    assert call.transferred_to == OFFICE
    assert record.outcome is Outcome.TRANSFERRED


async def test_a_voicemail_is_hung_up_on_without_a_word(scene: Scene) -> None:
    _, call, record = await scene.place_to(voicemail(MAILBOX), "scheduler", **APPOINTMENT)
    not_heard(call, GREETING)
    assert record.outcome is Outcome.VOICEMAIL_SKIPPED


async def test_a_busy_line_is_an_outcome_and_no_exception(scene: Scene) -> None:
    placed, _, record = await scene.place_to(Busy(), "scheduler", **APPOINTMENT)
    assert (placed.outcome, record.outcome, record.retryable) == (
        Outcome.BUSY,
        Outcome.BUSY,
        True,
    )


async def test_a_dispatch_with_the_metadata_of_the_page_places_the_call(scene: Scene) -> None:
    async def patient(line: Line) -> None:
        await line.heard("can you come tomorrow")
        await line.hang_up()

    number = a_number(scene, Telephone(script=patient))
    await dispatch(scene, metadata() | {"phone_number": number})
    call = await scene.exchange.call_to(number)
    record = await scene.over(call)
    assert answer_of(call)
    heard_once(call, GREETING)
    assert (record.persona, record.direction) == ("scheduler", "outbound")


async def test_metadata_that_lacks_a_field_dials_nobody(scene: Scene) -> None:
    number = a_number(scene, Telephone())
    told = metadata() | {"phone_number": number}
    del told["time"]
    room = await dispatch(scene, told)
    record = await scene.record(room)
    assert (record.outcome, record.answered_at) == (Outcome.REFUSED, None)
    assert "time" in (record.reason or "")
    assert not scene.exchange.ledger.of("INVITE", number=number)


async def test_an_agent_of_a_pool_answers_with_its_greeting(scene: Scene) -> None:
    async def listens(line: Line) -> None:
        await line.heard("welcome to reservations")
        await line.hang_up()

    call = await scene.ring("restaurant", listens)
    record = await scene.over(call)
    heard_once(call, "Welcome to reservations.")
    assert record.persona == "restaurant"


def test_each_tool_of_the_app_is_there_after_the_move(deployment: Deployment) -> None:
    before = executed("main.py")
    for name, text in files().items():
        if name.startswith("personas/") or name == "host.toml":
            deployment.write(name, text)
    app = {
        "assistant": before["Assistant"](),
        "scheduler": before["Scheduler"]({"name": "Ann", "time": "3pm"}),
    }
    for persona, agent in app.items():
        outbound: dict[str, Any] = {"outbound": True, "metadata": APPOINTMENT}
        call = a_call(persona, **(outbound if persona == "scheduler" else {}))
        offered = names(tools_of(call))
        moved = call.hooks.agent(call=call)
        if isinstance(moved, Agent):
            offered |= names(moved.tools)
        lost = names(agent.tools) - offered
        assert lost <= {"transfer_call"}, "which only a telephone is offered: see above"


def executed(name: str) -> dict[str, Any]:
    """What a file of the page defines, run as a module and not as a program."""
    namespace: dict[str, Any] = {"__name__": name.removesuffix(".py")}
    exec(compile(files()[name], name, "exec"), namespace)
    return namespace


def names(tools: Sequence[llm.Tool | llm.Toolset]) -> set[str]:
    """The names by which an LLM calls tools."""
    return {*llm.ToolContext(tools).function_tools}


def metadata() -> dict[str, Any]:
    """The dispatch metadata that the page shows."""
    [shown] = [block.text for block in blocks(PAGE) if block.kind == "json"]
    return dict(json.loads(shown))


async def dispatch(scene: Scene, told: dict[str, Any]) -> str:
    """Dispatch the agent into a new room, as an application does."""
    room = f"dispatched-{os.urandom(4).hex()}"
    async with scene.livekit() as livekit:
        await livekit.agent_dispatch.create_dispatch(
            api.CreateAgentDispatchRequest(
                room=room, agent_name="dental", metadata=json.dumps(told)
            )
        )
    return room
