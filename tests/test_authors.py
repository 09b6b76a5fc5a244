"""The unit tests that the pages for authors show need no world."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from authors import (
    AUTHORS,
    README,
    VOICES,
    example,
    examples,
    install_plugin,
    run_pytest,
    write_deployment,
)
from deployment import Deployment

import host.cli
from host.base.errors import HostError, MetadataError, PersonaError, SettingsError
from host.base.paths import EXAMPLE_PERSONAS
from host.testing import a_call, tell, tool


@pytest.mark.processes
async def test_the_unit_tests_and_those_in_text_of_the_page_pass(tmp_path: Path) -> None:
    write_deployment(tmp_path)
    [unit] = [each for each in examples(AUTHORS) if "def test_a_stranger_is_greeted" in each]
    (tmp_path / "test_unit.py").write_text(unit)
    (tmp_path / "test_text.py").write_text(example(AUTHORS, "test_dentist_in_text.py"))
    (tmp_path / "personas" / "dentist.rules.toml").write_text(toml("dentist.rules.toml"))
    installed = install_plugin(tmp_path / "installed")
    told = await run_pytest(tmp_path, installed=installed, HOST_CRM_BASE_URL="http://127.0.0.1:9")
    assert "5 passed" in told


def toml(file: str) -> str:
    """The example of docs/persona-tests.md that begins with the name of this file."""
    [found] = re.findall(rf"```toml\n(# personas/{file}\n.*?)```", AUTHORS, re.DOTALL)
    return str(found)


def test_the_simulated_callers_of_the_page_come_to_what_it_shows(
    deployment: Deployment, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    dentist, *_ = examples(AUTHORS)
    deployment.write("personas/dentist.py", dentist)
    deployment.write("personas/dentist.rules.toml", toml("dentist.rules.toml"))
    deployment.write("personas/dentist.callers.toml", toml("dentist.callers.toml"))
    [shown] = re.findall(r"simulate dentist --local\n(.*?)```", AUTHORS, re.DOTALL)
    monkeypatch.setattr("sys.argv", ["host", "simulate", "dentist", "--local"])
    monkeypatch.setattr("host.cli._exit", sys.exit)
    with pytest.raises(SystemExit) as end:
        host.cli.main()
    assert end.value.code == 1
    assert capsys.readouterr().out == shown


def test_the_wrapper_of_the_page_adds_to_what_the_persona_is_told(deployment: Deployment) -> None:
    dentist, _, _, wrapper, *_ = examples(AUTHORS)
    deployment.write("personas/dentist.py", dentist)
    deployment.write("plugins/notes.py", wrapper)
    call = a_call("dentist")
    alone = call.hooks.instructions(call=call)
    call.state.customer = "Ann"
    told = call.hooks.instructions(call=call)
    assert told.startswith(f"{alone} The caller is <data")
    assert "Ann" in told
    greeting = call.hooks.greeting(call=call)
    assert greeting == "Hello Ann. Hello Ann, this is the dentist."


def test_the_provider_of_the_page_reads_its_key_and_is_needed_by_who_names_it(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    acme = ModuleType("livekit.plugins.acme")
    acme.STT = lambda **options: options  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "livekit.plugins.acme", acme)
    [provider] = [each for each in examples(VOICES) if "Speech-to-text by Acme" in each]
    deployment.write("plugins/acme.py", provider)
    deployment.persona("desk")

    def models() -> Any:
        call = a_call("desk")
        asked = {"kind": "stt", "provider": "acme", "model": "", "voice": "", "language": "de"}
        return call.hooks.provide(call=call, **asked)

    with pytest.raises(HostError, match="ACME_API_KEY is not set"):
        models()
    monkeypatch.setenv("ACME_API_KEY", "of-acme")
    assert models() == {"model": "fast", "language": "de", "api_key": "of-acme"}


def test_the_dentist_of_the_page_is_short_and_its_booking_is_a_result(
    deployment: Deployment,
) -> None:
    dentist, conclusions, *_ = examples(AUTHORS)
    assert len(dentist.splitlines()) <= 35
    deployment.write("personas/dentist.py", f"{dentist}\n{conclusions}")
    call = a_call("dentist")
    assert asyncio.run(tool(call, "book_appointment")("Monday")) == "Booked for Monday."
    assert dict(call.results) == {"appointment": {"day": "Monday"}}
    visit = call.hooks.conclusions(call=call)
    assert list(visit.model_fields) == ["topic", "booked", "summary"]


@pytest.mark.processes
async def test_the_test_in_text_of_readme_passes(tmp_path: Path) -> None:
    (tmp_path / "personas").mkdir()
    (tmp_path / "personas" / "receptionist.py").symlink_to(EXAMPLE_PERSONAS / "receptionist.py")
    (tmp_path / "test_text.py").write_text(example(README, "test_receptionist.py"))
    installed = install_plugin(tmp_path / "installed")
    assert "1 passed" in await run_pytest(tmp_path, installed=installed)


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


async def test_a_tool_is_found_by_its_name_whoever_offers_it(deployment: Deployment) -> None:
    deployment.write("personas/clerk.py", CLERK)
    call = a_call("clerk")
    assert await tool(call, "add")(1, 2) == 3
    assert await tool(call, "double")(2) == 4
    assert callable(tool(call, "end_call"))
    with pytest.raises(LookupError, match="there is no tool 'subtract', but add, double, end_call"):
        tool(call, "subtract")


CLERK = """
    from livekit.agents import function_tool
    from host import hookimpl

    @function_tool
    async def double(number: int) -> int:
        \"\"\"Double a number.\"\"\"
        return 2 * number

    @hookimpl
    def instructions(call):
        return "You add numbers."

    @hookimpl
    def tools(call):
        async def add(a: int, b: int) -> int:
            \"\"\"Add two numbers.\"\"\"
            return a + b

        return [add, double]
    """


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
