"""The tests of README and persona-tests.md are what an author can run; one that fails says why."""

import re
from pathlib import Path

import pytest
from authors import AUTHORS, README, example, examples, install_plugin, run_pytest, write_deployment

from host.base.paths import EXAMPLE_PERSONAS
from host.local.phone import NotHeard
from host.testing import Busy, Line, Scene, heard_once
from host.testing.report import Watched


@pytest.mark.promise("Authors test a persona with `host.testing`")
@pytest.mark.whole("an author's pytest is a process")
async def test_an_author_can_run_the_tests_of_readme_and_the_docs(tmp_path: Path) -> None:
    write_deployment(tmp_path)
    (tmp_path / "personas" / "receptionist.py").symlink_to(EXAMPLE_PERSONAS / "receptionist.py")
    (tmp_path / "conftest.py").write_text(example(AUTHORS, "conftest.py"))
    for page in (AUTHORS, README):
        for test in examples(page):
            if name := re.match(r"# (test_\w+\.py)\n", test):
                (tmp_path / name[1]).write_text(test)
    installed = install_plugin(tmp_path / "installed")
    told = await run_pytest(tmp_path, installed=installed, HOST_CRM_BASE_URL="http://127.0.0.1:9")
    assert "4 passed" in told


BROKEN_OFF = """
import pytest

from host.testing import Scene

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def stays(line):
    await line.heard("nobody says this")


async def test_that_fails_in_the_middle_of_a_call(scene: Scene):
    call = await scene.ring("receptionist", stays)
    await call.pulse.until(lambda: call.heard, 20, "the greeting")
    assert False, "broken off"


async def test_that_comes_next(scene: Scene):
    assert [call.done for call in scene.exchange.calls] == [True]
"""


@pytest.mark.whole("an author's pytest is a process")
async def test_a_test_that_fails_leaves_no_call_to_the_next(tmp_path: Path) -> None:
    (tmp_path / "personas").mkdir()
    (tmp_path / "personas" / "receptionist.py").symlink_to(EXAMPLE_PERSONAS / "receptionist.py")
    (tmp_path / "conftest.py").write_text(example(AUTHORS, "conftest.py"))
    (tmp_path / "test_two.py").write_text(BROKEN_OFF)
    installed = install_plugin(tmp_path / "installed")
    told = await run_pytest(tmp_path, returns=1, installed=installed)
    assert "1 failed, 1 passed" in told
    shown = told.partition("telephone: call 1 of 1, ")[2]
    assert re.search(r"persona +Molar Dental, good morning", shown)
    assert "no record: the call goes on" in shown
    assert "routed to receptionist" in shown.partition("host.log: ")[2]


async def test_a_failed_test_shows_both_sides_of_its_calls_and_the_log(scene: Scene) -> None:
    async def asks(line: Line) -> None:
        await line.heard("what can I do for you")
        await line.say("What day is it?")
        await line.heard("today is monday")
        await line.press("1")
        await line.heard("nobody says this", 2.0)

    watched = Watched(scene, len(scene.exchange.calls), len(scene.log()))
    call = await scene.ring("desk", asks)
    with pytest.raises(NotHeard):
        await scene.over(call)
    (title, shown), (file, log) = watched.sections()
    assert title == f"telephone: call 1 of 1, {call.caller} calls {call.called}"
    seen, told = re.split(r"record \S+: ", shown)
    assert words(seen) == [
        "persona: This is the desk.",
        "persona: What can I do for you?",
        "telephone: What day is it?",
        "persona: Today is Monday.",
        "telephone: presses 1",
        "telephone: ends the call: BYE",
    ]
    assert "script failed: NotHeard" in seen
    assert told.startswith("completed: the caller hung up\n")
    assert words(told) == [
        "persona: This is the desk. What can I do for you?",
        "caller: What day is it?",
        "persona: Today is Monday.",
        "caller: presses 1",
    ]
    assert file == f"host.log: {scene.folder / 'host.log'}"
    assert "routed to desk" in log


async def test_a_failed_test_shows_a_call_that_nobody_answered(scene: Scene) -> None:
    watched = Watched(scene, len(scene.exchange.calls), None)
    _, call, record = await scene.place_to(Busy(), "skips")
    [(_, shown)] = watched.sections()
    assert shown.splitlines() == [
        "not answered: busy, SIP status 486",
        f"record {record.id}: busy: {record.reason}",
    ]
    assert call.status == "busy"


async def test_a_persona_answers_by_the_rules_beside_it(scene: Scene) -> None:
    async def orders(line: Line) -> None:
        await line.heard("here is the flower shop")
        await line.say("Please keep a rose for me.")
        await line.heard("we keep a rose for you")
        await line.hang_up()

    call = await scene.ring("ruled", orders)
    record = await scene.over(call)
    heard_once(call, "We keep a rose for you.")
    assert [(tool.name, tool.arguments) for tool in record.tools] == [
        ("reserve", '{"flower": "rose"}')
    ]


@pytest.mark.memory
async def test_a_persona_without_rules_says_once_what_it_lacks(scene: Scene) -> None:
    async def asks(line: Line) -> None:
        await line.heard("here is the bakery")
        await line.say("Do you have bread?")
        await line.heard("or set openai_api_key for a real one")
        await line.say("And do you have cake?")
        await line.heard("sorry could you say that again")
        await line.hang_up()

    call = await scene.ring("unruled", asks)
    await scene.over(call)
    heard_once(call, "I am the local model, and have no rules for this persona.")
    heard_once(call, "Sorry, could you say that again?")


def words(shown: str) -> list[str]:
    """What was said, and by whom, in order of time."""
    lines = re.findall(r"^ *([0-9.]+) s  (\w+) +(.*)$", shown, re.MULTILINE)
    assert [float(at) for at, _, _ in lines] == sorted(float(at) for at, _, _ in lines)
    return [f"{who}: {what}" for _, who, what in lines]
