"""The hooks: all are documented, typed and tested, and each is answered as its spec says.

The persona `everything` and the plugin `chorus` have most of them; `call` is a list that events
write into.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import re
from typing import Any

import pluggy
import pytest
from deployment import HERE, Deployment

from host import Continue, HangUp, Identify
from host.call import hooks as hookspecs
from host.call.dispatch import read_dispatch
from host.call.live import LiveCall
from host.privacy.environment import of_a_call
from host.registry import HOOKS, Registry, View, defaults
from host.registry.configure import with_plugin_settings
from host.registry.routes import Choice
from host.settings import Settings, load_settings


@pytest.fixture
def everything(registry: Registry) -> View:
    """The view of a persona that has every hook, beside a plugin that has them too."""
    return registry.view("everything")


@pytest.fixture
def ann(registry: Registry) -> View:
    """The view of a persona that leaves nearly all to the plugins."""
    return registry.view("ann")


async def tell(hook: pluggy.HookCaller, **facts: Any) -> list[str]:
    """Tell everyone of an event; return what they wrote into the call."""
    call: list[str] = []
    await asyncio.gather(*hook(call=call, **facts))
    return call


# Every hook


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_is_documented(name: str) -> None:
    doc = inspect.getdoc(HOOKS[name].function)
    assert doc
    assert doc[0].isupper()
    assert doc.partition("\n")[0].endswith(".")


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_is_typed(name: str) -> None:
    signature = inspect.signature(HOOKS[name].function)
    assert signature.return_annotation is not signature.empty
    for argument in signature.parameters.values():
        assert argument.annotation is not argument.empty
        assert argument.default is argument.empty


def test_every_hook_has_a_test_with_its_name() -> None:
    tests = [
        name
        for file in HERE.rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", file.read_text(), re.MULTILINE)
    ]
    without = [name for name in HOOKS if not any(t.startswith(f"test_{name}_") for t in tests)]
    assert without == []


def test_events_are_async_and_told_to_all_and_questions_are_sync() -> None:
    for hook in HOOKS.values():
        if hook.is_async:
            assert not hook.first, f"{hook.name}: a coroutine is never None, so it would win"
            assert hook.answer == "None", f"{hook.name}: an event has no answer"
        elif hook.name != "register_commands":
            assert hook.answer != "None", f"{hook.name}: a question has an answer"


def test_no_hook_is_historic() -> None:
    manager = pluggy.PluginManager("host")
    for name in HOOKS:
        options = manager.parse_hookspec_opts(hookspecs, name)
        assert options
        assert not options["historic"]


def test_hooks_stand_in_the_order_of_a_call() -> None:
    assert next(iter(HOOKS)) == "register_commands"
    order = ("choose_persona", "parse_metadata", "prepare_call", "instructions", "greeting")
    assert [name for name in HOOKS if name in order] == list(order)
    assert list(HOOKS)[-1] == "call_ended"


# Each hook


def test_register_commands_is_asked_of_plugins(registry: Registry) -> None:
    cli: list[str] = []
    registry.commands(cli)  # type: ignore[arg-type]
    assert cli == ["vip"]


def test_plugin_settings_is_asked_of_each_plugin_when_it_is_loaded(
    deployment: Deployment,
) -> None:
    deployment.write("plugins/crm.py", CRM)
    registry = deployment.load()
    [crm] = [plugin for plugin in registry.plugins if plugin.name == "crm"]
    assert crm.settings is crm.module.Crm


def test_pass_environment_is_asked_of_each_plugin(deployment: Deployment) -> None:
    deployment.write("plugins/crm.py", CRM)
    os.environ.update(CRM_PROXY="p", CRMS="s", HOST_CRM_REGION="eu")
    settings = with_plugin_settings(load_settings(), deployment.load())
    assert {"CRM_PROXY", "CRM_EU"} <= {*of_a_call(settings), *settings.plugin_values.passed}
    assert "CRMS" not in of_a_call(settings)


CRM = """
    from pydantic import BaseModel
    from host import hookimpl

    class Crm(BaseModel):
        region: str = "us"

    @hookimpl
    def plugin_settings():
        return Crm

    @hookimpl
    def pass_environment(settings):
        return ["CRM_*", f"CRM_{settings.plugin(Crm).region.upper()}"]
    """


async def test_while_serving_is_asked_of_plugins(registry: Registry) -> None:
    told: list[str] = []
    await asyncio.gather(*registry.view(None).while_serving(settings=told))
    assert told == ["chorus runs beside"]


def test_choose_persona_is_asked_of_plugins_with_the_names_of_all(registry: Registry) -> None:
    choice = registry.choose(read_dispatch("", "vip-4"))
    assert choice == Choice("ann", "vip", "plugin vip chose ann")


def test_parse_metadata_is_answered_by_the_persona_then_plugins_then_the_host(
    everything: View, ann: View
) -> None:
    assert everything.parse_metadata(metadata={"a": 1}) == ("everything's", {"a": 1})
    assert ann.parse_metadata(metadata={"a": 1}) == ("chorus", {"a": 1})
    assert defaults.parse_metadata({"a": 1}) == {"a": 1}


async def test_prepare_call_tells_everyone(everything: View, ann: View) -> None:
    assert await tell(everything.prepare_call) == ["everything prepares", "chorus prepares"]
    assert await tell(ann.prepare_call) == ["chorus prepares"]


def test_instructions_are_the_personas(everything: View, ann: View) -> None:
    assert everything.instructions(call=[]) == "everything's instructions"
    assert ann.instructions(call=[]) == "You are Ann."


def test_agent_is_the_personas_or_nobodys(everything: View, ann: View) -> None:
    assert everything.agent(call=[]) == "everything's agent"
    assert ann.agent(call=[]) is None


def test_stt_is_the_personas_before_the_plugins(everything: View, ann: View) -> None:
    assert everything.stt(call=[]) == "everything's ears"
    assert ann.stt(call=[]) == "chorus's ears"


def test_llm_is_the_personas_before_the_plugins(everything: View, ann: View) -> None:
    assert everything.llm(call=[]) == "everything's model"
    assert ann.llm(call=[]) == "chorus's model"


def test_tts_is_the_personas_before_the_plugins(everything: View, ann: View) -> None:
    assert everything.tts(call=[]) == "everything's voice"
    assert ann.tts(call=[]) == "chorus's voice"


def test_provide_is_the_personas_before_the_plugins(everything: View, ann: View) -> None:
    asked = {"call": [], "kind": "llm", "provider": "a", "model": "b", "voice": "", "language": ""}
    assert everything.provide(**asked) == "everything's llm a/b"
    assert ann.provide(**asked) == "chorus's llm a/b"


def test_session_options_are_gathered_the_personas_first_and_the_hosts_last(
    everything: View,
) -> None:
    call = LiveCall(Settings.model_construct()).call
    first, second, last = everything.session_options(call=call)
    assert (first, second) == ({"said_by": "everything"}, {"said_by": "chorus"})
    assert "turn_handling" in last


def test_room_options_are_gathered_the_personas_first(everything: View, ann: View) -> None:
    assert everything.room_options(call=[]) == [{"said_by": "everything"}, {"said_by": "chorus"}]
    assert ann.room_options(call=[]) == [{"said_by": "chorus"}]


def test_tools_are_gathered(everything: View, ann: View) -> None:
    assert everything.tools(call=[]) == [["everything's tool"], ["chorus's tool"]]
    assert ann.tools(call=[]) == [["chorus's tool"]]


def test_greeting_is_the_personas_and_a_plugin_may_wrap_it(everything: View) -> None:
    words = everything.greeting(call=[])
    assert words == "This call is recorded. everything's greeting"


def test_voicemail_policy_is_to_hang_up_where_nobody_says_otherwise(
    everything: View, ann: View
) -> None:
    assert everything.voicemail_policy(call=[]) == HangUp()
    assert ann.voicemail_policy(call=[]) == Continue()
    assert defaults.voicemail_policy(None) == HangUp()  # type: ignore[arg-type]


def test_screening_policy_is_to_identify_where_nobody_says_otherwise(
    everything: View, ann: View
) -> None:
    assert everything.screening_policy(call=[]) == HangUp()
    assert ann.screening_policy(call=[]) == Continue()
    assert defaults.screening_policy(None) == Identify()  # type: ignore[arg-type]


async def test_call_greeted_tells_everyone(everything: View) -> None:
    assert await tell(everything.call_greeted) == ["everything has greeted", "chorus has greeted"]


async def test_resumed_tells_everyone(everything: View) -> None:
    call = HasHooks(everything)
    await asyncio.gather(*everything.resumed(call=call))
    assert call == ["everything is back", "chorus is back"]


async def test_resumed_tells_those_who_lack_it_that_they_have_greeted(
    deployment: Deployment,
) -> None:
    deployment.write("personas/bob.py", GREETS.format("persona"))
    deployment.write("plugins/greets.py", GREETS.format("plugin"))
    deployment.write("plugins/returns.py", GREETS.format("other plugin") + RETURNS)
    bob = deployment.load().view("bob")
    call = HasHooks(bob)
    await asyncio.gather(*bob.resumed(call=call))
    assert sorted(call) == ["other plugin is back", "persona has greeted", "plugin has greeted"]


class HasHooks(list[str]):
    """A call that events write into, and which has hooks."""

    telephone = True

    def __init__(self, hooks: View) -> None:
        super().__init__()
        self.hooks = hooks


GREETS = """
    from host import hookimpl

    @hookimpl
    def instructions(call):
        return "You greet."

    @hookimpl
    async def call_greeted(call):
        call.append("{0} has greeted")
    """
RETURNS = """
    @hookimpl
    async def resumed(call):
        call.append("other plugin is back")
    """


async def test_call_status_changed_tells_everyone(everything: View) -> None:
    told = await tell(everything.call_status_changed, status="ringing")
    assert told == ["everything hears of ringing", "chorus hears of ringing"]


async def test_digit_pressed_tells_everyone(everything: View) -> None:
    told = await tell(everything.digit_pressed, digit="5")
    assert told == ["everything hears 5", "chorus hears 5"]


async def test_hold_changed_tells_everyone(everything: View) -> None:
    told = await tell(everything.hold_changed, on_hold=True)
    assert told == ["everything hears of the hold: True", "chorus hears of the hold: True"]


def test_conclusions_of_the_persona_go_before_a_plugins(everything: View, ann: View) -> None:
    assert everything.conclusions(call=None).__name__ == "Everything"
    assert ann.conclusions(call=None).__name__ == "Chorus"


async def test_call_ended_tells_everyone(everything: View) -> None:
    told = await tell(everything.call_ended, record="busy")
    assert told == ["everything hears of the end: busy", "chorus hears of the end: busy"]
