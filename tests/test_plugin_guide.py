"""docs/plugins.md has an example for each hook, and each one does what the page says."""

from __future__ import annotations

import asyncio
import os
import re
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine
from deployment import Deployment
from livekit.agents import Agent, ToolError
from livekit.plugins import openai
from pages import blocks
from plugin_guide import EXAMPLES, defines, module_of, use
from typer.testing import CliRunner

from host import Identify, LeaveMessage
from host.base.errors import MetadataError
from host.call.dispatch import read_dispatch
from host.cli.app import cli
from host.privacy.environment import of_a_call
from host.registry import HOOKS
from host.registry.configure import with_plugin_settings
from host.settings import load_settings
from host.testing import Rule, a_call, open_conversation, tell, tool


@pytest.fixture
def desk(deployment: Deployment) -> Deployment:
    """A deployment with one persona."""
    deployment.persona("desk")
    return deployment


@pytest.mark.parametrize("hook", HOOKS)
def test_each_hook_has_an_example_and_a_test(hook: str) -> None:
    assert any(defines(hook, each) for each in EXAMPLES)
    tests = "\n".join(re.findall(r"def (test_\w+)\(", Path(__file__).read_text()))
    assert re.search(rf"^test_{hook}_|_and_{hook}_", tests, re.MULTILINE)


async def test_plugin_settings_and_call_ended_write_a_line(desk: Deployment) -> None:
    use(desk, "plugin_settings")
    call = a_call("desk", plugins={"notes": {"file": str(desk.folder / "mine.txt")}})
    record = SimpleNamespace(id="AJ_1", persona="desk", outcome="completed")
    await module_of(desk, "notes").call_ended(call, record)
    assert (desk.folder / "mine.txt").read_text() == "AJ_1 desk completed\n"


def test_register_commands_adds_one(desk: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "registered_commands", [*cli.registered_commands])
    use(desk, "register_commands")
    assert desk.load().commands(cli) == []
    desk.write("notes.txt", "AJ_1 desk completed\n")
    assert CliRunner().invoke(cli, ["notes"]).stdout == "AJ_1 desk completed\n"


def test_pass_environment_adds_variables_by_name_and_prefix(desk: Deployment) -> None:
    use(desk, "pass_environment")
    os.environ.update(CRM_TOKEN="t", AWS_REGION="eu", OTHER_TOKEN="o")
    settings = with_plugin_settings(load_settings(), desk.load())
    passed = {*of_a_call(settings), *settings.plugin_values.passed}
    assert {"CRM_TOKEN", "AWS_REGION"} <= passed
    assert "OTHER_TOKEN" not in passed


async def test_while_serving_touches_a_file_until_the_host_stops(desk: Deployment) -> None:
    use(desk, "while_serving")
    alive = desk.folder / "alive"
    settings = SimpleNamespace(state_dir=desk.folder)
    task = asyncio.ensure_future(module_of(desk, "watchdog").while_serving(settings))
    while not alive.exists():
        await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(("hour", "persona"), [(7, "night"), (12, "desk"), (18, "night")])
def test_choose_persona_sends_callers_to_the_night(
    desk: Deployment, hour: int, persona: str
) -> None:
    use(desk, "choose_persona")
    desk.persona("night")
    with time_machine.travel(datetime(2026, 11, 30, hour).astimezone(), tick=False):
        assert desk.load().choose(read_dispatch("", "desk-4")).persona == persona


async def test_parse_metadata_and_prepare_call_know_the_lead(desk: Deployment) -> None:
    use(desk, "parse_metadata")
    call = a_call("desk", metadata={"name": "Ann", "source": "fair"})
    await tell(call, "prepare_call")
    assert (call.details.name, call.state.score) == ("Ann", 3)


def test_instructions_and_greeting_are_wrapped(desk: Deployment) -> None:
    use(desk, "instructions")
    silent = (desk.folder / "personas" / "desk.py").read_text()
    greets = '@hookimpl\ndef greeting(call):\n    return "Hello."\n'
    desk.write("personas/greets.py", f"{silent}\n\n{greets}")
    call = a_call("desk")
    assert call.hooks.instructions(call=call) == "desk Never promise a discount."
    assert call.hooks.greeting(call=call) is None
    call = a_call("greets")
    assert call.hooks.greeting(call=call) == "Happy new year! Hello."


async def test_agent_reads_abbreviations_out(
    desk: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(desk, "agent")
    call = a_call("desk")
    agent = call.hooks.agent(call=call)
    assert agent.instructions == "desk"

    async def speaks(agent: Agent, text: Any, settings: Any) -> Any:
        async for part in text:
            yield part

    async def text() -> Any:
        yield "Dr. Ann "
        yield "is in."

    monkeypatch.setattr(Agent.default, "tts_node", speaks)
    assert [part async for part in agent.tts_node(text(), None)] == ["Doctor Ann ", "is in."]


def test_stt_and_llm_and_tts_are_chosen_by_call(desk: Deployment) -> None:
    use(desk, "stt")
    german, other = a_call("desk", number="+4930123456", outbound=True), a_call("desk")
    models = [
        [getattr(call.hooks, kind)(call=call) for kind in ("stt", "llm", "tts")]
        for call in (german, other)
    ]
    voice = "cartesia/sonic-3:b9de4a89-2257-424b-94c2-db18ba68c81a"
    assert models[0] == ["deepgram/nova-3:de", "openai/gpt-4.1", voice]
    assert models[1] == ["deepgram", "openai", "cartesia"]


def test_provide_makes_the_llm_of_this_machine(desk: Deployment) -> None:
    use(desk, "provide")
    call = a_call("desk")
    asked = {"kind": "llm", "model": "llama3.2", "voice": "", "language": "en"}
    made = call.hooks.provide(call=call, provider="ollama", **asked)
    assert isinstance(made, openai.LLM)
    assert made.model == "llama3.2"


def test_session_options_and_room_options_are_added(desk: Deployment) -> None:
    use(desk, "session_options")
    call = a_call("desk")
    delay = {"turn_handling": {"endpointing": {"min_delay": 0.8}}}
    assert delay in call.hooks.session_options(call=call)
    assert call.hooks.room_options(call=call) == [{"audio_input": {"frame_size_ms": 20}}]


async def test_tools_are_called_in_a_conversation(desk: Deployment) -> None:
    use(desk, "tools")
    rules = [
        Rule(hears="order", calls=("find_order", {"number": "A17"})),
        Rule(after="find_order", says="It arrives on Friday."),
    ]
    async with open_conversation("desk", rules=rules) as talk:
        turn = await talk.say("Where is my order?")
        assert turn.text == "It arrives on Friday."
        turn.expect.contains_function_call_output(output="arrives on Friday")
        assert talk.call.results["order"] == "A17"
        with pytest.raises(ToolError, match="no such order"):
            await tool(talk.call, "find_order")("B1")


def test_voicemail_policy_and_screening_policy_are_those_of_all(desk: Deployment) -> None:
    use(desk, "voicemail_policy")
    call = a_call("desk", outbound=True)
    message = LeaveMessage("This is Molar Dental. We will call again. Goodbye.")
    assert call.hooks.voicemail_policy(call=call) == message
    screened = Identify("This is Molar Dental, about an appointment.", max_wait=30)
    assert call.hooks.screening_policy(call=call) == screened


async def test_call_greeted_and_resumed_ask_once(desk: Deployment) -> None:
    use(desk, "call_greeted")
    async with open_conversation("desk") as talk:
        await talk.press("1234")
        assert talk.call.state.customer == "1234"
        async with asyncio.timeout(1):
            await tell(talk.call, "resumed")
        said = " ".join(utterance.text for utterance in talk.call.transcript)
        assert said.count("Your customer number, please.") == 1


async def test_call_status_changed_and_hold_changed_leave_results(desk: Deployment) -> None:
    use(desk, "call_status_changed")
    call = a_call("desk")
    for status in ("dialing", "ringing", "active"):
        await tell(call, "call_status_changed", status=status)
    for on_hold in (True, False, True):
        await tell(call, "hold_changed", on_hold=on_hold)
    assert dict(call.results) == {"rang": True, "holds": 2}


async def test_digit_pressed_leads_to_the_office(desk: Deployment) -> None:
    use(desk, "digit_pressed")
    desk.write("host.toml", '[transfers]\noffice = "+15550003333"\n')
    async with open_conversation("desk") as talk:
        turn = await talk.press("0")
        assert turn.transfers == ["office"]


async def test_joined_says_who_has_the_call(desk: Deployment) -> None:
    use(desk, "joined")
    desk.persona("billing")
    desk.write("host.toml", '[personas.desk]\nhands_over_to = ["billing"]\n')
    rules = [
        Rule(hears="invoice", calls=("hand_over", {"to": "billing", "note": "an invoice"})),
    ]
    async with open_conversation("desk", rules=rules) as talk:
        turn = await talk.say("I have an invoice.")
        assert "You are now talking to billing." in turn.text


def test_a_call_without_consent_is_refused_as_the_page_on_law_shows(desk: Deployment) -> None:
    [consent] = [block.text for block in blocks("docs/privacy.md") if block.kind == "python"]
    desk.write("plugins/consent.py", consent)
    metadata = {"phone_number": "+15552220001"}
    with pytest.raises(MetadataError, match="no consent to be called"):
        a_call("desk", outbound=True, metadata=metadata)
    allowed = a_call("desk", outbound=True, metadata=metadata | {"consent": True})
    assert allowed.details["consent"] is True
    assert a_call("desk").details == {}


async def test_conclusions_and_recording_url_and_the_copy(desk: Deployment) -> None:
    use(desk, "recording_url")
    archive = desk.folder / "archive"
    call = a_call("desk", plugins={"archive": {"folder": str(archive)}})
    assert [*call.hooks.conclusions(call=call).model_fields] == ["subject"]
    recording = desk.write("AJ_1.ogg", "sound")
    url = call.hooks.recording_url(call=call, recording=str(recording))
    assert url == (archive / "AJ_1.ogg").as_uri()
    record = SimpleNamespace(recording=str(recording), recording_url=url)
    await module_of(desk, "archive").call_ended(call, record)
    assert (archive / "AJ_1.ogg").read_text() == "sound"
