"""The unit tests that docs/authors.md shows need no world."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from authors import AUTHORS, examples, run_pytest, write_deployment
from deployment import Deployment

from host.base.errors import MetadataError, PersonaError, SettingsError
from host.testing import a_call, tell


@pytest.mark.processes
async def test_the_unit_tests_of_the_page_pass(tmp_path: Path) -> None:
    write_deployment(tmp_path)
    *_, unit, _, _ = examples(AUTHORS)
    (tmp_path / "test_unit.py").write_text(unit)
    assert "2 passed" in await run_pytest(tmp_path)


# a_call and tell

PICKY = """
    from pydantic import BaseModel
    from host import hookimpl

    class Wanted(BaseModel):
        name: str

    @hookimpl
    def parse_metadata(metadata):
        return Wanted.model_validate(metadata)

    @hookimpl
    def instructions(call):
        return f"{call.details.name} of {call.number}, {call.outbound}"

    @hookimpl
    async def digit_pressed(call, digit):
        call.state.digit = digit
        raise RuntimeError("as it is")
    """


async def test_a_call_asks_the_hooks_of_its_persona(deployment: Deployment) -> None:
    deployment.write("personas/picky.py", PICKY)
    call = a_call("picky", number="+15550001111", outbound=True, metadata={"name": "Ann"})
    assert call.hooks.instructions(call=call) == "Ann of +15550001111, True"
    with pytest.raises(RuntimeError, match="as it is"):
        await tell(call, "digit_pressed", digit="1")
    assert call.state.digit == "1"


async def test_a_call_that_can_not_be_is_one_line(deployment: Deployment) -> None:
    deployment.write("personas/picky.py", PICKY)
    with pytest.raises(PersonaError):
        a_call("nobody")
    with pytest.raises(MetadataError, match="name is missing"):
        a_call("picky")
    with pytest.raises(SettingsError, match="there is no plugin crm with settings"):
        a_call("picky", metadata={"name": "Ann"}, plugins={"crm": {}})


async def test_settings_of_plugins_are_checked_and_win_over_the_environment(
    deployment: Deployment,
) -> None:
    deployment.persona("ann")
    os.environ["HOST_DEEPGRAM_MODEL"] = "nova-2"
    assert a_call("ann").settings.plugin("deepgram").model == "nova-2"
    call = a_call("ann", plugins={"deepgram": {"model": "nova-9"}})
    assert call.persona_settings.plugin("deepgram").model == "nova-9"
    with pytest.raises(SettingsError, match=r"plugins\['deepgram'\]: model must be text"):
        a_call("ann", plugins={"deepgram": {"model": 3}})


async def test_settings_of_a_test_win_over_those_of_its_persona(deployment: Deployment) -> None:
    deployment.persona("ann")
    deployment.write("host.toml", '[personas.ann.plugins.deepgram]\nmodel = "nova-2"\n')
    call = a_call("ann", plugins={"deepgram": {"model": "nova-9"}})
    assert call.persona_settings.plugin("deepgram").model == "nova-9"


async def test_an_opt_out_in_a_test_keeps_nobody_from_being_called(deployment: Deployment) -> None:
    deployment.persona("ann")
    await a_call("ann", number="+12125550123").opt_out()
    assert not (deployment.folder / "do-not-call.txt").exists()


async def test_a_question_is_not_told(deployment: Deployment) -> None:
    deployment.persona("ann")
    with pytest.raises(TypeError, match="^greeting is a question: ask call.hooks.greeting"):
        await tell(a_call("ann"), "greeting")
