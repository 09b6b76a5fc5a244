"""Personas, plugins and host.toml are saved while calls are live."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from in_memory.world import MemoryScene, open_project

from host import registry
from host.local.phone import Line
from host.local.rules import Rule
from host.records.outcome import Outcome
from host.server.reload import Reloader
from host.testing import Scene, heard_once, not_heard

pytestmark = pytest.mark.memory("test_reload_processes.py has calls in processes of their own")

DESK = '''\
"""Desk: says which edition of it speaks."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are edition {edition}."


@hookimpl
def greeting(call):
    return "This is edition {edition}."


@hookimpl
def tools(call):
    async def edition() -> str:
        """Return the edition."""
        return "{edition}"

    return [edition]
'''
TIMES = 10
RULES = [
    Rule(hears="which", calls=("edition", {})),
    *(
        Rule(after="edition", about=f"edition {at}\\.", says=f"I am still {at}.")
        for at in range(20)
    ),
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A deployment that a test may change."""
    project = tmp_path / "project"
    for kind in ("personas", "plugins"):
        (project / kind).mkdir(parents=True)
    (project / "host.toml").touch()
    save(project, 0)
    return project


@pytest.fixture
async def memory_scene(
    project: Path, tmp_path: Path, virtual_clock: None
) -> AsyncIterator[MemoryScene]:
    """A host in memory that serves it."""
    async with open_project(project, tmp_path, rules=RULES) as scene:
        yield scene


@pytest.fixture
def reloader(memory_scene: MemoryScene) -> Reloader:
    """What the host serves."""
    settings = memory_scene.settings
    gc.freeze()  # each reload collects garbage, among all that other tests have left
    reloader = Reloader(settings, registry.load(settings))
    reloader.follow(memory_scene.memory.use)
    return reloader


def save(project: Path, edition: int) -> None:
    """Save the persona."""
    (project / "personas" / "desk.py").write_text(DESK.format(edition=edition))


async def asks(line: Line) -> None:
    """Hear which edition answers."""
    await line.heard("this is edition")
    await line.hang_up()


class Talk:
    """A conversation that goes on when the test says so, or once some words were heard."""

    def __init__(self, after: str = "") -> None:
        self.greeted, self.go_on, self._after = asyncio.Event(), asyncio.Event(), after

    async def script(self, line: Line) -> None:
        """Be greeted, wait for the word, and ask."""
        await line.heard("this is edition")
        self.greeted.set()
        await (line.heard(self._after) if self._after else self.go_on.wait())
        await line.say("Which edition is it?")
        await line.heard("i am still")
        await line.hang_up()


@pytest.mark.corpus
async def test_ten_reloads_leave_a_live_call_alone_and_each_next_call_has_the_newest(
    scene: Scene, reloader: Reloader, project: Path
) -> None:
    talk = Talk()
    live = await scene.ring("desk", talk.script)
    await talk.greeted.wait()
    for edition in range(1, TIMES + 1):
        save(project, edition)
        assert not reloader.reload().refused
        (project / "personas" / "desk.py").write_text("def (")
        assert reloader.reload().refused
        call = await scene.ring("desk", asks)
        assert (await scene.over(call)).outcome is Outcome.COMPLETED
        heard_once(call, f"This is edition {edition}.")
    talk.go_on.set()
    record = await scene.over(live)
    heard_once(live, "This is edition 0.")
    heard_once(live, "I am still 0.")
    assert (record.outcome, record.ended_by, record.taken_over) == (
        Outcome.COMPLETED,
        "far end",
        0,
    )


async def test_a_call_that_is_taken_over_goes_on_with_the_newest_code(
    scene: Scene, memory_scene: MemoryScene, reloader: Reloader, project: Path
) -> None:
    talk = Talk(after="please go on")
    call = await scene.ring("desk", talk.script)
    await talk.greeted.wait()
    save(project, 7)
    reloader.reload()
    memory_scene.memory.kill(call.room)
    record = await scene.over(call)
    heard_once(call, "I am still 7.")
    assert (record.outcome, record.taken_over) == (Outcome.COMPLETED, 1)


async def test_a_call_whose_persona_is_gone_is_ended_and_recorded_if_its_process_dies(
    scene: Scene, memory_scene: MemoryScene, reloader: Reloader, project: Path
) -> None:
    talk = Talk()
    call = await scene.ring("desk", talk.script)
    await talk.greeted.wait()
    desk = project / "personas" / "desk.py"
    desk.rename(project / "personas" / "night.py")
    assert not reloader.reload().refused
    memory_scene.memory.kill(call.room)
    record = await scene.over(call)
    not_heard(call, "I am still")
    assert (record.outcome, record.persona) == (Outcome.FAILED, "desk")


async def test_numbers_limits_and_words_of_host_toml_are_those_of_the_next_call(
    scene: Scene, reloader: Reloader, project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def says_nothing(line: Line) -> None:
        await line.heard("nobody seems to be there")
        await line.stay()

    caplog.set_level(logging.INFO)
    (project / "host.toml").write_text(
        'silence_timeout = 3\n[words]\nsilent_goodbye = "Nobody seems to be there."\n'
    )
    assert [Path(file).name for file in reloader.reload().changed] == ["host.toml"]
    call = await scene.ring("desk", says_nothing)
    record = await scene.over(call)
    heard_once(call, "Nobody seems to be there.")
    assert record.outcome is Outcome.COMPLETED
    (project / "host.toml").write_text("max_calls = 0\n")
    assert reloader.reload().refused
    assert "host.toml:1: max_calls must be 1 or more" in caplog.text


async def test_a_host_takes_as_many_calls_as_host_toml_says_now(
    scene: Scene, reloader: Reloader, project: Path
) -> None:
    talk = Talk()
    live = await scene.ring("desk", talk.script)
    await talk.greeted.wait()
    (project / "host.toml").write_text("max_calls = 1\n")
    reloader.reload()
    late = await scene.ring("desk", asks)
    await late.ended(20)
    assert not late.answered_at
    talk.go_on.set()
    await scene.over(live)
