"""What `host new` writes, on the telephone: its personas and plugin, as they are written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from in_memory.world import MemoryScene, open_project
from people import MAILBOX

from host import __version__
from host.cli.new.contents import persona_files, plugin_files, project_files
from host.cli.new.files import write_new
from host.local.phone import Line, Telephone, voicemail
from host.local.rule_files import read_rules
from host.local.scripts import person
from host.records.outcome import Outcome
from host.testing import Scene, heard_once, not_heard

pytestmark = pytest.mark.memory("test_first_call.py plays a whole call of a new project")

ANN = {"customer": "Ann", "time": "3pm"}


@pytest.fixture
async def memory_scene(tmp_path: Path, virtual_clock: None) -> AsyncIterator[MemoryScene]:
    """A host in memory that serves a new project, to which a persona and a plugin were added."""
    project = tmp_path / "clinic"
    personas, plugins = project / "personas", project / "plugins"
    write_new(project_files(project, __version__))
    write_new(persona_files("reminder", personas, outbound=True, root=project))
    write_new({plugins / "crm.py": plugin_files("crm", plugins)[plugins / "crm.py"]})
    rules = read_rules(personas, ["receptionist", "reminder"])
    async with open_project(project, tmp_path, rules=rules) as scene:
        yield scene


async def test_a_caller_is_told_the_hours_and_leaves_a_message(scene: Scene) -> None:
    async def asks(line: Line) -> None:
        await line.heard("how can i help you")
        await line.say("What are your opening hours?")
        await line.heard("nine to five")
        await line.say("Then please take a message.")
        await line.heard("i have noted it")
        await line.hang_up()

    call = await scene.ring("receptionist", asks)
    record = await scene.over(call)
    heard_once(call, "Hello, this is Clinic. How can I help you?")
    assert record.results == {"message": "Please call back."}
    assert record.outcome is Outcome.COMPLETED


async def test_a_person_is_called_by_name_and_bidden_goodbye(scene: Scene) -> None:
    _, call, record = await scene.place_to(Telephone(script=person), "reminder", **ANN)
    heard_once(call, "Hello Ann, this is Reminder. Your appointment is at 3pm. Can you come?")
    heard_once(call, "Thank you, see you then. Goodbye.")
    assert record.outcome is Outcome.COMPLETED


async def test_a_voicemail_gets_the_time_of_the_appointment(scene: Scene) -> None:
    _, call, record = await scene.place_to(voicemail(MAILBOX), "reminder", **ANN)
    heard_once(call, "Your appointment is at 3pm.")
    not_heard(call, "Can you come?")
    assert record.outcome is Outcome.VOICEMAIL_LEFT
