"""Bundled plugins are always there: others are added, replace one by its name, or disable it."""

from __future__ import annotations

import os

import pytest
from deployment import Deployment

from host.base.paths import BUNDLED_PLUGINS
from host.registry import Registry, bundled_plugins

BUNDLED = {plugin.name for plugin in bundled_plugins()}
ANSWERS = "from host import hookimpl\n@hookimpl{mark}\ndef greeting(call):\n    return '{name}'\n"


def names(registry: Registry) -> set[str]:
    return {plugin.name for plugin in registry.plugins}


def test_they_are_those_of_the_repository() -> None:
    assert {"call_log", "cartesia", "deepgram", "hangup", "keypad", "openai"} <= BUNDLED
    assert {each.stem for each in BUNDLED_PLUGINS.glob("[!_.]*")} == BUNDLED


def test_a_folder_of_plugins_elsewhere_adds_to_them(deployment: Deployment) -> None:
    deployment.write("plugins/crm.py", "")
    assert names(deployment.load()) == BUNDLED | {"crm"}


def test_the_repositorys_own_folder_is_not_loaded_twice(deployment: Deployment) -> None:
    os.environ["HOST_PLUGINS_DIR"] = str(BUNDLED_PLUGINS)
    registry = deployment.load()
    assert names(registry) == BUNDLED
    assert not registry.broken


def test_a_folder_of_plugins_that_nobody_has_named_may_be_missing(deployment: Deployment) -> None:
    (deployment.folder / "plugins").rmdir()
    del os.environ["HOST_PLUGINS_DIR"]
    assert deployment.faults() == []


def test_a_plugin_of_the_same_name_replaces_one(deployment: Deployment) -> None:
    deployment.write("plugins/keypad.py", ANSWERS.format(mark="", name="mine"))
    registry = deployment.load()
    [keypad] = [plugin for plugin in registry.plugins if plugin.name == "keypad"]
    assert keypad.replaces
    assert not keypad.bundled
    assert keypad.file == "plugins/keypad.py"


def test_one_that_is_broken_replaces_none(deployment: Deployment) -> None:
    deployment.write("plugins/call_log.py", "1 / 0")
    registry = deployment.load()
    [log] = [plugin for plugin in registry.plugins if plugin.name == "call_log"]
    assert log.bundled, "no record is lost over it"
    assert [str(fault) for fault in registry.broken] == [
        "plugins/call_log.py:1: ZeroDivisionError: division by zero"
    ]


def test_one_that_is_disabled_is_not_loaded(deployment: Deployment) -> None:
    deployment.write("plugins/crm.py", "1 / 0")
    os.environ["HOST_DISABLE_PLUGINS"] = "keypad, crm"
    registry = deployment.load()
    assert names(registry) == BUNDLED - {"keypad"}
    assert not registry.broken, "it is not even run"


def test_a_name_that_no_plugin_has_is_told(deployment: Deployment) -> None:
    deployment.write("host.toml", 'disable_plugins = ["keypd"]\nplugin_order = ["nobody"]\n')
    assert deployment.faults() == [
        "host.toml:1: disable_plugins: there is no plugin keypd; did you mean keypad?",
        "host.toml:2: plugin_order: there is no plugin nobody",
    ]


@pytest.mark.parametrize(("order", "first"), [("aaa, zzz", "aaa"), ("zzz, aaa", "zzz")])
def test_the_order_in_which_plugins_are_asked_is_that_of_a_list(
    deployment: Deployment, order: str, first: str
) -> None:
    for name in ("aaa", "zzz"):
        deployment.write(f"plugins/{name}.py", ANSWERS.format(mark="", name=name))
    os.environ.update(HOST_PLUGIN_ORDER=order, HOST_DISABLE_PLUGINS="notice")
    registry = deployment.load()
    assert not registry.broken
    assert registry.view(None).greeting(call=None) == first


@pytest.mark.parametrize(("marked", "first"), [("tryfirst", "aaa"), ("trylast", "zzz")])
def test_a_plugin_may_say_its_place_itself(deployment: Deployment, marked: str, first: str) -> None:
    os.environ["HOST_DISABLE_PLUGINS"] = "notice"
    deployment.write("plugins/zzz.py", ANSWERS.format(mark="", name="zzz"))
    deployment.write("plugins/aaa.py", ANSWERS.format(mark=f"({marked}=True)", name="aaa"))
    registry = deployment.load()
    assert not registry.broken
    assert registry.view(None).greeting(call=None) == first


def test_two_that_answer_one_question_and_have_no_order_are_told(deployment: Deployment) -> None:
    for name in ("aaa", "zzz"):
        deployment.write(f"plugins/{name}.py", ANSWERS.format(mark="", name=name))
    assert deployment.faults() == [
        "host.toml: plugins aaa and zzz both answer greeting(): say in plugin_order which is asked "
        "first"
    ]
