"""What `personas`, `hooks` and `which` print."""

from __future__ import annotations

import json
import os
import textwrap

import pytest
from deployment import Deployment

from host.cli import show
from host.registry import HOOKS, Registry, bundled_plugins


@pytest.fixture
def small(deployment: Deployment) -> Deployment:
    """Two good personas, one of them with numbers, two plugins, and a broken persona."""
    deployment.persona("ann")
    deployment.persona("north-desk")
    deployment.write("personas/bob.py", "1 / 0")
    deployment.write("plugins/crm.py", "")
    deployment.write("plugins/keypad.py", "")
    deployment.write(
        "host.toml",
        '[personas.ann]\nnumbers = ["+15550001111", "+15550002222"]\n'
        "[personas.north-desk]\nhands_over_to = ['ann']\n",
    )
    return deployment


# personas


def test_personas_shows_the_good_and_the_broken_aligned(small: Deployment) -> None:
    names = ", ".join(
        sorted(plugin.name for plugin in bundled_plugins() if plugin.name != "keypad")
    )
    assert show.personas(small.load()).text.splitlines() == [
        "Personas in personas",
        "  ann         personas/ann.py         +15550001111, +15550002222  ann: says who it is.",
        "  north-desk  personas/north-desk.py                              "
        "north-desk: says who it is.",
        "",
        "Handovers",
        "  north-desk  to ann",
        "",
        "Plugins in plugins",
        "  crm     plugins/crm.py",
        "  keypad  plugins/keypad.py  replaces the bundled one",
        "",
        "Bundled plugins",
        *textwrap.wrap(names, 78, initial_indent="  ", subsequent_indent="  "),
        "",
        "Broken, and set aside",
        "  personas/bob.py:1: ZeroDivisionError: division by zero",
    ]


def test_personas_leaves_out_what_there_is_none_of(deployment: Deployment) -> None:
    deployment.persona("ann")
    os.environ["HOST_DISABLE_PLUGINS"] = ",".join(plugin.name for plugin in bundled_plugins())
    assert show.personas(deployment.load()).text.splitlines() == [
        "Personas in personas",
        "  ann  personas/ann.py  ann: says who it is.",
        "",
        "Plugins in plugins",
        "  none",
    ]


def test_personas_as_json(small: Deployment) -> None:
    shown = json.loads(show.personas(small.load(), as_json=True).text)
    assert {"call_log", "cartesia"} <= {
        plugin["name"] for plugin in shown["plugins"] if plugin["bundled"]
    }
    shown["plugins"] = [plugin for plugin in shown["plugins"] if not plugin["bundled"]]
    assert shown == {
        "personas": [
            {
                "name": "ann",
                "file": "personas/ann.py",
                "summary": "ann: says who it is.",
                "numbers": ["+15550001111", "+15550002222"],
                "hands_over_to": [],
            },
            {
                "name": "north-desk",
                "file": "personas/north-desk.py",
                "summary": "north-desk: says who it is.",
                "numbers": [],
                "hands_over_to": ["ann"],
            },
        ],
        "plugins": [
            {"name": "crm", "file": "plugins/crm.py", "bundled": False},
            {"name": "keypad", "file": "plugins/keypad.py", "bundled": False},
        ],
        "broken": [
            {
                "file": "personas/bob.py",
                "line": 1,
                "error": "ZeroDivisionError: division by zero",
            }
        ],
        "models": [],
    }


@pytest.mark.parametrize("as_json", [False, True])
def test_a_broken_persona_fails_the_command_only_when_strict(
    small: Deployment, as_json: bool
) -> None:
    registry = small.load()
    assert show.personas(registry, as_json=as_json).exit_code == 0
    assert show.personas(registry, as_json=as_json, strict=True).exit_code == 1


def test_strict_has_nothing_to_say_where_all_is_good(deployment: Deployment) -> None:
    deployment.persona("ann")
    assert show.personas(deployment.load(), strict=True).exit_code == 0


def test_a_model_that_can_not_be_created_is_shown_and_fails_the_command_only_when_strict(
    deployment: Deployment,
) -> None:
    deployment.persona("ann")
    faults = ['ann: tts = "boop/high": no plugin provides boop']
    shown = show.personas(deployment.load(), strict=True, faults=faults)
    assert shown.text.endswith(f"Models that can't be created\n  {faults[0]}")
    assert shown.exit_code == 1
    told = show.personas(deployment.load(), as_json=True, faults=faults)
    assert json.loads(told.text)["models"] == faults
    assert told.exit_code == 0


def test_no_good_persona_fails_the_command(deployment: Deployment) -> None:
    shown = show.personas(deployment.load())
    assert shown.text.startswith("Personas in personas\n  none\n\nPlugins in plugins\n  none\n")
    assert shown.exit_code == 1


# which


def test_which_tells_the_persona_the_rule_and_the_reason(registry: Registry) -> None:
    assert show.which(registry, room="deli-1") == show.Shown(
        "deli, by room: room 'deli-1' begins with 'deli-'"
    )


def test_which_names_the_plugin_that_chose(registry: Registry) -> None:
    shown = show.which(registry, room="vip-1", as_json=True)
    assert json.loads(shown.text) == {
        "persona": "ann",
        "by": "vip",
        "reason": "plugin vip chose ann",
        "hands_over_to": [],
    }


def test_which_asks_for_the_dialled_number(small: Deployment) -> None:
    shown = show.which(small.load(), number="+15550001111", as_json=True)
    assert json.loads(shown.text)["by"] == "number"


def test_which_tells_to_whom_the_persona_hands_over(small: Deployment) -> None:
    shown = show.which(small.load(), room="north-desk-1")
    assert shown.text.endswith("begins with 'north-desk-'; hands over to ann")


def test_which_asks_plugins_for_the_caller_and_the_headers(small: Deployment) -> None:
    small.write("plugins/by_header.py", BY_HEADER)
    registry = small.load()
    assert show.which(registry, caller="+15557770001").text.startswith("ann, by by_header")
    shown = show.which(registry, headers=["X-Desk=north-desk"])
    assert shown.text.startswith("north-desk, by by_header: plugin by_header chose north-desk")


BY_HEADER = """
    from host import hookimpl

    @hookimpl
    def choose_persona(dispatch, personas):
        if dispatch.caller.number == "+15557770001":
            return "ann"
        return dispatch.headers.get("x-desk")
    """


def test_which_reads_metadata(registry: Registry) -> None:
    shown = show.which(registry, metadata='{"persona": "ann"}', as_json=True)
    assert json.loads(shown.text)["by"] == "metadata"


def test_which_fails_for_a_call_that_is_refused(registry: Registry) -> None:
    shown = show.which(registry, metadata='{"persona": "nobody"}')
    assert shown.text == "refused: the metadata asks for persona 'nobody', which is not loaded"
    assert shown.exit_code == 1


@pytest.mark.parametrize("metadata", ["[", "[1]", '{"phone_number": "911"}', "x" * 2_000_000])
def test_which_refuses_bad_metadata_as_a_call_would(registry: Registry, metadata: str) -> None:
    shown = show.which(registry, room="deli-1", metadata=metadata, as_json=True)
    answer = json.loads(shown.text)
    assert (answer["persona"], answer["by"]) == (None, None)
    assert "metadata" in answer["reason"]
    assert shown.exit_code == 1
    assert show.which(registry, metadata=metadata).text.startswith("refused: ")


# hooks


def test_hooks_shows_each_with_its_signature_kind_and_who_has_it(registry: Registry) -> None:
    blocks = dict(zip(HOOKS, show.hooks(registry).text.split("\n\n"), strict=True))
    assert blocks["greeting"].splitlines() == [
        "def greeting(call: Call) -> Greeting | str | None",
        "    Return the greeting as text or Greeting(...), or None to let the LLM open the call.",
        "    question, first answer; implemented by persona ann, persona everything, "
        "persona renamed, plugin chorus, plugin recorded",
    ]
    assert blocks["call_ended"].startswith("async def call_ended(call: Call, record: CallRecord)")
    assert (
        "event, async, all; implemented by persona everything, plugin chorus"
        in blocks["call_ended"]
    )
    assert blocks["parse_metadata"].endswith(
        "implemented by persona everything, plugin chorus, host"
    )


def test_hooks_without_an_implementation_say_so(deployment: Deployment) -> None:
    deployment.persona("ann")
    blocks = show.hooks(deployment.load()).text.split("\n\n")
    assert blocks[0].endswith("implemented by none")


def test_hooks_as_json(registry: Registry) -> None:
    hooks = json.loads(show.hooks(registry, as_json=True).text)["hooks"]
    assert [hook["name"] for hook in hooks] == list(HOOKS)
    assert set(hooks[0]) == {"name", "signature", "kind", "summary", "by"}
