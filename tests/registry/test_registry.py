"""Personas and plugins: found, checked, set aside where broken, frozen, asked."""

from __future__ import annotations

import contextlib
import gc
import importlib.metadata
import json
import shutil
import sys
import traceback
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy
import pytest
from deployment import HERE, Deployment
from programs import printed_by

from host.base.errors import PersonaError, SettingsError
from host.base.paths import EXAMPLE_PERSONAS
from host.call.dispatch import read_dispatch
from host.registry import Registry, bundled_plugins, load, load_afresh, view
from host.registry.routes import Choice
from host.settings import Settings, load_settings

ODD_HOOKS = """
import functools
from host import hookimpl

class Hooks:
    @hookimpl
    def joined(self, call):
        pass

joined = Hooks().joined
instructions = staticmethod(hookimpl(lambda call: ""))
partly = functools.partial(hookimpl(lambda call: ""))

@hookimpl
def greeting(call):
    return ""

def helper(call):
    return ""
"""


def own_plugins(registry: Registry) -> list[Any]:
    """The plugins that are not bundled."""
    return [plugin for plugin in registry.plugins if not plugin.bundled]


# What is good


def test_modules_and_packages_of_a_folder_are_personas(registry: Registry) -> None:
    assert list(registry.personas) == ["ann", "deli", "everything", "north-desk", "renamed"]
    assert not registry.broken


def test_a_persona_has_its_file_and_the_first_line_of_its_docstring(registry: Registry) -> None:
    deli = registry.personas["deli"]
    assert deli.file == "tests/personas/good/deli/__init__.py"
    assert deli.summary == "Deli: a package that keeps its menu in a module of its own."


def test_a_persona_without_a_docstring_has_no_summary(deployment: Deployment) -> None:
    text = deployment.persona("ann").read_text()
    deployment.write("personas/ann.py", text.partition("\n")[2])
    assert deployment.load().personas["ann"].summary == ""


def test_plugins_are_listed_by_name(registry: Registry) -> None:
    assert [plugin.name for plugin in registry.plugins] == ["chorus", "recorded", "vip"]
    assert registry.plugins[0].file == "tests/plugins/good/chorus.py"


def test_a_package_may_import_its_own_modules(registry: Registry) -> None:
    assert registry.view("deli").instructions(call=None) == "Sell pastrami."


def test_a_file_name_may_have_a_hyphen(registry: Registry) -> None:
    assert registry.view("north-desk").instructions(call=None) == "You are the north desk."


def test_specname_optionalhook_and_arguments_of_ones_own_are_honoured(registry: Registry) -> None:
    renamed = registry.view("renamed")
    assert renamed.instructions(call=None) == "You are renamed."
    assert renamed.greeting(call=None) == "This call is recorded. Hello!"


def test_names_that_begin_with_an_underscore_or_a_dot_are_passed_over(
    deployment: Deployment,
) -> None:
    deployment.persona("ann")
    for name in ("_draft.py", ".hidden.py", "_package/__init__.py", "notes.txt", "data/menu.py"):
        deployment.write(f"personas/{name}", "raise RuntimeError")
    registry = deployment.load()
    assert list(registry.personas) == ["ann"]
    assert not registry.broken


def test_modules_of_a_folder_share_code_by_relative_imports(deployment: Deployment) -> None:
    deployment.write("plugins/_prices.py", "PRICES = [1]")
    deployment.write("plugins/crm.py", "from ._prices import PRICES")
    deployment.write("plugins/shop.py", "from . import crm\nPRICES = crm.PRICES")
    crm, shop = own_plugins(deployment.load())
    assert shop.module.PRICES is crm.module.PRICES
    assert shop.module.crm is crm.module, "it is loaded once"
    deployment.write("plugins/_prices.py", "PRICES = [1, 2]")
    assert own_plugins(deployment.load())[0].module.PRICES == [1, 2]


def test_modules_of_a_folder_can_be_imported_by_nobody_else(deployment: Deployment) -> None:
    deployment.persona("ann")
    deployment.write("plugins/shared.py", "SECRET = 1")
    deployment.write("plugins/slyer.py", "import shared")
    deployment.write("personas/slyest.py", "import ann")
    assert deployment.faults() == [
        "plugins/slyer.py:1: lacks module shared; is it installed?",
        "personas/slyest.py:1: lacks module ann; is it installed?",
    ]


def test_a_persona_named_like_an_installed_module_harms_neither(deployment: Deployment) -> None:
    deployment.persona("json")
    assert deployment.load().view("json").instructions(call=None) == "json"
    assert json.loads("1") == 1


def test_what_a_module_prints_does_not_reach_standard_output(
    deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment.write("plugins/chatty.py", "print('hello')")
    deployment.load()
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "hello\n")


# What is broken

BROKEN = {
    "Bad_Name.py": (
        ":1: 'Bad_Name' is no name for a persona: a room prefix has lower-case letters and digits, "
        "parted by - or _",
    ),
    "bad_wrapper.py": (
        ":12: greeting() is a wrapper, so it must be a plain `def` that yields once",
    ),
    "chooses.py": (
        ":12: choose_persona() belongs in a plugin: no persona speaks on a call that is not yet "
        "its own",
        ":17: register_commands() belongs in a plugin: commands exist before any call",
    ),
    "exits.py": (":5: exits while it is loaded: SystemExit: no more",),
    "inner/deep.py": (":3: ZeroDivisionError: division by zero",),
    "lacks_module.py": (":3: lacks module package_that_nobody_has; is it installed?",),
    "no_instructions.py": (":1: a persona needs instructions(call) or agent(call)",),
    "not_a_function.py": (":1: @hookimpl is on greeting, which is no function",),
    "raises.py": (":5: ValueError: no price list",),
    "twin.py": (":1: two personas are named twin: also tests/personas/broken/twin/__init__.py",),
    "twin/__init__.py": (":1: two personas are named twin: also tests/personas/broken/twin.py",),
    "unknown_hook.py": (":12: unknown hook greting(); did you mean greeting()?",),
    "unmarked.py": (":11: greeting() has the name of a hook but no @hookimpl",),
    "wrong_argument.py": (
        ":7: instructions() has no argument cal; it takes (call)",
        ":12: greeting() needs call plain, without a default or a * before it",
        ":17: tools() gives nothing to **everything; it takes (call)",
    ),
    "wrong_timing.py": (
        ":7: instructions() is a question and answered at once: write `def`, not `async def`",
        ":12: call_ended() is an event and awaited: write `async def call_ended`",
        ":17: greeting() yields; return the answer, or wrap with @hookimpl(wrapper=True)",
    ),
}


@pytest.fixture(scope="module")
def broken_ones() -> Registry:
    """The broken personas and plugins of tests/personas and tests/plugins."""
    return load_afresh(
        Settings(personas_dir=HERE / "personas" / "broken", plugins_dir=HERE / "plugins" / "broken")
    )


@pytest.mark.parametrize("file", BROKEN)
def test_every_fault_of_a_broken_persona_is_one_line_with_its_place(
    broken_ones: Registry, file: str
) -> None:
    path = f"tests/personas/broken/{file}"
    faults = [str(fault) for fault in broken_ones.broken if Path(fault.file).match(path)]
    assert [fault.partition(path)[2] for fault in faults] == list(BROKEN[file])


def test_each_broken_persona_of_the_folder_is_known_to_these_tests(broken_ones: Registry) -> None:
    here = HERE / "personas" / "broken"
    found = {
        str(Path(fault.file).absolute().relative_to(here))
        for fault in broken_ones.broken
        if "personas" in fault.file
    }
    assert found == set(BROKEN)
    assert not broken_ones.personas


def test_broken_plugins_are_reported_like_personas(broken_ones: Registry) -> None:
    by_file = defaultdict(list)
    for fault in broken_ones.broken:
        if "plugins" in fault.file:
            by_file[Path(fault.file).name].append(f"{fault.line}: {fault.error}")
    assert by_file == {
        "raises.py": ["3: RuntimeError"],
        "unknown_argument.py": ["7: tools() has no argument caller; it takes (call)"],
        "wraps_choice.py": [
            "7: choose_persona() can't be a wrapper: each plugin is asked by itself"
        ],
    }
    assert not own_plugins(broken_ones)


def test_a_syntax_error_names_its_line(deployment: Deployment) -> None:
    deployment.write("personas/ann.py", '"""Ann."""\n\ndef instructions(call)\n')
    assert deployment.faults() == ["personas/ann.py:3: SyntaxError: expected ':'"]


class Traceback:
    """Garbage that formats a traceback whenever it is collected, as a failed task does."""

    more = False

    def __init__(self) -> None:
        self._itself = self

    def __del__(self) -> None:
        if Traceback.more:
            with contextlib.suppress(SystemError):
                _an_error_within_a_line()
            Traceback()


def _an_error_within_a_line() -> str:
    try:
        return str(len([1].missing + [2]))  # type: ignore[attr-defined]
    except AttributeError:
        return traceback.format_exc()


@pytest.mark.processes  # no process, but seconds
def test_a_fault_is_told_whatever_garbage_is_collected_meanwhile(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.write(
        "personas/ann.py",
        """
        from host import hookimpl

        @hookimpl
        def tools(call, caller):
            return []
        """,
    )
    monkeypatch.setattr(Traceback, "more", True)
    often = gc.get_threshold()
    gc.set_threshold(2)
    try:
        Traceback()
        faults = deployment.faults()
    finally:
        Traceback.more = False
        gc.set_threshold(*often)
    assert "tools() has no argument caller" in "".join(faults)


def test_a_module_that_is_no_text_is_broken(deployment: Deployment) -> None:
    (deployment.folder / "personas" / "ann.py").write_bytes(b"x = 1\n\xff\xfe\x00")
    (fault,) = deployment.faults()
    assert fault.startswith("personas/ann.py:")


def test_the_good_serve_beside_the_broken(deployment: Deployment) -> None:
    deployment.persona("ann")
    deployment.write("personas/bob.py", "1 / 0")
    registry = deployment.load()
    assert list(registry.personas) == ["ann"]
    assert registry.view("ann").instructions(call=None) == "ann"


def test_a_misspelt_instructions_is_one_fault_and_not_two(deployment: Deployment) -> None:
    text = deployment.persona("ann").read_text().replace("def instructions", "def instuctions")
    deployment.write("personas/ann.py", text)
    assert deployment.faults() == [
        "personas/ann.py:7: unknown hook instuctions(); did you mean instructions()?"
    ]


def test_a_hook_that_resembles_nothing_gets_no_suggestion(deployment: Deployment) -> None:
    deployment.write(
        "plugins/odd.py",
        """\
        from host import hookimpl
        @hookimpl
        def zzz(call): ...
        """,
    )
    assert deployment.faults() == ["plugins/odd.py:3: unknown hook zzz()"]


def test_helpers_and_what_is_imported_may_have_any_name(deployment: Deployment) -> None:
    text = deployment.persona("ann").read_text()
    deployment.write(
        "personas/ann.py",
        text + "\nfrom os.path import join as tools\nstt = None\nclass tts: ...\n",
    )
    assert deployment.faults() == []


def test_a_proxy_that_raises_whatever_it_is_asked_harms_nobody_else(
    deployment: Deployment,
) -> None:
    deployment.persona("ann")
    deployment.write(
        "plugins/proxy.py",
        """\
        class Proxy:
            @property
            def __class__(self):
                raise RuntimeError("outside of a request")

        request = Proxy()
        """,
    )
    registry = deployment.load()
    assert list(registry.personas) == ["ann"]
    assert [fault.file for fault in registry.broken] == ["plugins/proxy.py"]


def test_an_exception_that_cannot_be_printed_is_still_a_fault(deployment: Deployment) -> None:
    deployment.write(
        "plugins/mute.py",
        """\
        class Mute(Exception):
            def __str__(self):
                raise RuntimeError

        raise Mute
        """,
    )
    assert deployment.faults() == ["plugins/mute.py:5: Mute"]


def test_a_folder_that_is_not_there_is_reported(deployment: Deployment) -> None:
    (deployment.folder / "plugins").rmdir()
    assert deployment.faults() == ["plugins: the folder of plugins: No such file or directory"]


def test_a_broken_module_leaves_nothing_behind(deployment: Deployment) -> None:
    deployment.write("personas/messy/__init__.py", "from . import menu\n1 / 0")
    deployment.write("personas/messy/menu.py", "")
    assert deployment.faults() == [
        "personas/messy/__init__.py:2: ZeroDivisionError: division by zero"
    ]
    assert not [name for name in sys.modules if name.startswith("personas/messy")]


def test_no_persona_at_all_is_an_error_where_one_is_needed(deployment: Deployment) -> None:
    with pytest.raises(PersonaError, match=r"^there is no persona in personas$"):
        deployment.load().require()


def test_no_good_persona_is_an_error_that_says_why(deployment: Deployment) -> None:
    deployment.write("personas/ann.py", "1 / 0")
    deployment.write("personas/bob.py", "1 / 0")
    with pytest.raises(PersonaError) as error:
        deployment.load().require()
    assert str(error.value) == (
        "there is no good persona: personas/ann.py:1: ZeroDivisionError: division by zero "
        "(and 1 more: python -m host personas)"
    )


def test_one_good_persona_is_enough(registry: Registry) -> None:
    assert registry.require() is registry


# What host.toml says


def test_a_persona_has_the_numbers_and_prefixes_that_host_toml_gives_it(
    deployment: Deployment,
) -> None:
    deployment.persona("ann")
    deployment.persona("bob")
    deployment.write(
        "host.toml", '[personas.ann]\nnumbers = ["+15550001111"]\nprefixes = ["call-"]\n'
    )
    registry = deployment.load()
    assert registry.personas["ann"].numbers == ("+15550001111",)
    assert registry.choose(read_dispatch("", "x", "+15550001111")).persona == "ann"
    assert registry.choose(read_dispatch("", "call-7")).persona == "ann"


def test_tables_and_a_default_of_personas_that_do_not_exist_are_reported(
    deployment: Deployment,
) -> None:
    deployment.persona("receptionist")
    deployment.write(
        "host.toml",
        'default_persona = "bob"\n[personas.recepionist]\n[personas."x"]\nnumbers = ["1001"]\n',
    )
    assert deployment.faults() == [
        "host.toml:2: [personas.recepionist]: there is no persona recepionist; "
        "did you mean receptionist?",
        "host.toml:3: [personas.x]: there is no persona x",
        "host.toml:1: default persona: there is no persona bob",
    ]


def test_a_handover_to_a_persona_that_does_not_exist_is_reported(deployment: Deployment) -> None:
    for name in ("receptionist", "billing"):
        deployment.persona(name)
    deployment.write("personas/bob.py", "1 / 0")
    deployment.write(
        "host.toml",
        """\
        [personas.billing]
        hands_over_to = ["receptionist"]

        [personas.receptionist]
        hands_over_to = ["biling", "bob", "receptionist", "billing"]
        """,
    )
    _, *faults = deployment.faults()
    assert faults == [
        "host.toml:5: [personas.receptionist] hands_over_to: there is no persona biling; "
        "did you mean billing?",
        "host.toml:5: [personas.receptionist] hands_over_to: bob is not loaded",
        "host.toml:5: [personas.receptionist] hands_over_to: receptionist is itself",
    ]


def test_a_default_of_the_environment_that_does_not_exist_is_reported(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.persona("ann")
    monkeypatch.setenv("HOST_DEFAULT_PERSONA", "anne")
    assert deployment.faults() == [
        "HOST_DEFAULT_PERSONA: default persona: there is no persona anne; did you mean ann?"
    ]


def test_nobody_stands_in_for_a_broken_persona(deployment: Deployment) -> None:
    deployment.persona("ann")
    deployment.write("personas/bob.py", "1 / 0")
    deployment.write(
        "host.toml",
        """\
        default_persona = "bob"
        [personas.bob]
        numbers = ["+15550001111"]
        prefixes = ["call-"]
        """,
    )
    registry = deployment.load()
    for dispatch in (
        read_dispatch('{"persona": "bob"}'),
        read_dispatch("", "bob-1"),
        read_dispatch("", "call-1"),
        read_dispatch("", "x", "+15550001111"),
        read_dispatch(""),
    ):
        assert registry.choose(dispatch).persona is None
    assert str(registry.broken[-1]) == "host.toml:1: default persona: bob is not loaded"


def test_two_personas_of_one_number_stop_the_start(deployment: Deployment) -> None:
    deployment.persona("ann")
    deployment.write(
        "host.toml", '[personas.ann]\nnumbers = ["1001"]\n[personas.bob]\nnumbers = ["1001"]\n'
    )
    with pytest.raises(SettingsError, match="number 1001 is given to both ann and bob"):
        deployment.load()


def test_of_a_module_pluggy_registers_what_it_would_register_alone(
    registry: Registry, deployment: Deployment
) -> None:
    module = ModuleType("odd")
    exec(ODD_HOOKS, module.__dict__)
    modules = [module, *(persona.module for persona in registry.personas.values())]
    modules += [plugin.module for plugin in (*bundled_plugins(), *registry.plugins)]
    ours, pluggys = view.build_plugin_manager((), ()), pluggy.PluginManager("host")
    for each in modules:
        for name in dir(each):
            assert ours.parse_hookimpl_opts(each, name) == pluggys.parse_hookimpl_opts(each, name)
    marked = [name for name in dir(module) if ours.parse_hookimpl_opts(module, name)]
    assert marked == ["greeting", "instructions", "joined"]


# Entry points


@pytest.fixture
def site(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    """A deployment with an installed package `parlour`, of personas and plugins."""
    deployment.write(
        "site/parlour-1.0.dist-info/METADATA",
        "Metadata-Version: 2.1\nName: parlour\nVersion: 1.0\n",
    )
    deployment.write(
        "site/parlour-1.0.dist-info/entry_points.txt",
        """\
        [host.personas]
        cleo = parlour.cleo
        dora = parlour.dora
        bad = parlour.bad
        nobody = parlour.nobody
        odd = parlour:ODD
        misspelt = parlour cleo

        [host.plugins]
        ears = parlour.ears
        again = parlour.ears
        """,
    )
    deployment.write("site/parlour/__init__.py", "ODD = 1")
    for name in ("cleo", "dora"):
        deployment.write(f"site/parlour/{name}.py", deployment.persona(name).read_text())
        (deployment.folder / "personas" / f"{name}.py").unlink()
    deployment.write("site/parlour/bad.py", "\n1 / 0")
    deployment.write("site/parlour/ears.py", '"""Ears."""')
    monkeypatch.syspath_prepend(str(deployment.folder / "site"))
    yield deployment
    for name in [name for name in sys.modules if name.partition(".")[0] == "parlour"]:
        del sys.modules[name]


def test_installed_packages_offer_personas_and_plugins(site: Deployment) -> None:
    registry = site.load()
    assert list(registry.personas) == ["cleo", "dora"]
    assert registry.personas["cleo"].file == "site/parlour/cleo.py"
    assert registry.view("cleo").instructions(call=None) == "cleo"
    assert [plugin.name for plugin in own_plugins(registry)] == ["again"]


def test_packages_are_read_once_until_one_is_installed_or_removed(
    site: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    entry_points = importlib.metadata.entry_points

    def entry_points_of(*, group: str) -> importlib.metadata.EntryPoints:
        asked.append(group)
        return entry_points(group=group)

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points_of)
    for _ in range(3):
        assert list(site.load().personas) == ["cleo", "dora"]
    assert sorted(asked) == ["host.personas", "host.plugins"]
    site.write("site/late-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: late\n")
    site.write("site/late-1.0.dist-info/entry_points.txt", "[host.personas]\neve = parlour.eve\n")
    site.write("site/parlour/eve.py", site.persona("eve").read_text())
    (site.folder / "personas" / "eve.py").unlink()
    assert list(site.load().personas) == ["cleo", "dora", "eve"]
    shutil.rmtree(site.folder / "site" / "late-1.0.dist-info")
    assert list(site.load().personas) == ["cleo", "dora"]


def test_each_entry_point_fails_by_itself(site: Deployment) -> None:
    assert site.faults() == [
        "site/parlour/ears.py:1: this is plugin again already",
        "site/parlour/bad.py:2: ZeroDivisionError: division by zero",
        "parlour cleo:1: AttributeError: 'NoneType' object has no attribute 'group'",
        "site/parlour/__init__.py:1: lacks module parlour.nobody; is it installed?",
        "site/parlour/__init__.py:1: the entry point odd is no module",
    ]


def test_a_persona_of_the_folder_and_one_installed_of_one_name_are_both_set_aside(
    site: Deployment,
) -> None:
    site.persona("cleo")
    registry = site.load()
    assert "cleo" not in registry.personas
    assert registry.choose(read_dispatch("", "cleo-1")).persona is None
    assert "personas/cleo.py:1: two personas are named cleo: also site/parlour/cleo.py" in [
        str(fault) for fault in registry.broken
    ]


# Views


def test_a_view_asks_the_plugins_and_exactly_one_persona(registry: Registry) -> None:
    assert registry.view("ann").tools(call=None) == [["chorus's tool"]]
    assert registry.view("everything").tools(call=None) == [
        ["everything's tool"],
        ["chorus's tool"],
    ]


def test_the_view_of_nobody_asks_plugins_and_the_host_alone(registry: Registry) -> None:
    nobody = registry.view(None)
    assert nobody.persona is None
    assert nobody.instructions(call=None) is None
    assert nobody.tts(call=None) == "chorus's voice"


def test_a_plugins_wrapper_wraps_the_personas_answer(registry: Registry) -> None:
    assert registry.view("ann").greeting(call=None) == "This call is recorded. Ann here."


def test_a_view_is_made_once(registry: Registry) -> None:
    assert registry.view("ann") is registry.view("ann")
    assert registry.view("ann") is not registry.view("deli")
    assert registry.view("ann").greeting is registry.view("ann").greeting


def test_a_view_has_the_hooks_and_nothing_else(registry: Registry) -> None:
    with pytest.raises(AttributeError, match=r"there is no hook greting\(\)"):
        _ = registry.view("ann").greting


def test_a_persona_that_is_not_loaded_has_no_view(registry: Registry) -> None:
    with pytest.raises(PersonaError, match="there is no persona 'nobody'"):
        registry.view("nobody")


def test_a_view_is_the_same_however_many_personas_there_are(deployment: Deployment) -> None:
    names = [f"p{number}" for number in range(3 * view.BATCH_SIZE + 1)]
    for name in names:
        deployment.persona(name)
    registry = deployment.load()
    assert {name: registry.view(name).instructions(call=None) for name in names} == {
        name: name for name in names
    }


# Choosing


def choose(registry: Registry, room: str) -> Choice:
    """Choose by the name of a room."""
    return registry.choose(read_dispatch("", room))


def test_choose_persona_of_a_plugin_decides_first(registry: Registry) -> None:
    assert choose(registry, "vip-1") == Choice("ann", "vip", "plugin vip chose ann")
    assert choose(registry, "vip-4").persona == "ann"


def test_a_plugin_that_answers_none_leaves_it_to_the_rules(registry: Registry) -> None:
    assert choose(registry, "deli-1").by == "room"


def test_a_choice_that_is_not_loaded_refuses_the_call(registry: Registry) -> None:
    assert choose(registry, "vip-2") == Choice(
        None, None, "plugin vip chose 'nobody', which is not loaded"
    )
    assert choose(registry, "vip-3").reason == "plugin vip chose 3, which is not loaded"


def test_a_plugin_that_raises_refuses_the_call_and_is_named(registry: Registry) -> None:
    assert choose(registry, "vip-5") == Choice(
        None,
        None,
        "plugin vip failed: tests/plugins/good/vip.py:10: LookupError: who is this?",
    )


def test_the_plugin_asked_first_is_the_last_of_them(deployment: Deployment) -> None:
    deployment.persona("ann")
    for name in ("a", "b"):
        deployment.write(
            f"plugins/{name}.py",
            """\
            from host import hookimpl
            @hookimpl
            def choose_persona(): return "ann"
            """,
        )
    assert choose(deployment.load(), "x").by == "b"


# Commands


def test_register_commands_reaches_each_plugin(registry: Registry) -> None:
    cli: list[str] = []
    assert registry.commands(cli) == []  # type: ignore[arg-type]
    assert cli == ["vip"]


def test_a_plugin_whose_commands_fail_stops_no_other(deployment: Deployment) -> None:
    for name, line in (("good", "cli.append(1)"), ("wrong", "1 / 0")):
        deployment.write(
            f"plugins/{name}.py",
            f"""\
            from host import hookimpl
            @hookimpl
            def register_commands(cli):
                {line}
            """,
        )
    cli: list[int] = []
    faults = deployment.load().commands(cli)  # type: ignore[arg-type]
    assert cli == [1]
    assert [str(fault) for fault in faults] == [
        "plugins/wrong.py: register_commands() failed: "
        "plugins/wrong.py:4: ZeroDivisionError: division by zero"
    ]


# Loading


def test_a_process_loads_once_for_the_same_settings(deployment: Deployment) -> None:
    deployment.persona("ann")
    settings = load_settings()
    first = load(settings)
    deployment.persona("bob")
    assert load(load_settings()) is first
    assert "bob" in load_afresh(settings).personas


def test_other_settings_are_loaded_anew(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.persona("ann")
    first = load(load_settings())
    monkeypatch.setenv("HOST_DEFAULT_PERSONA", "ann")
    assert load(load_settings()) is not first


@pytest.mark.processes
def test_loading_does_not_import_livekit(deployment: Deployment) -> None:
    deployment.persona("ann")
    code = (
        "import sys; from host.registry import load; from host.settings import load_settings; "
        "assert load(load_settings()).require(); print('livekit' in sys.modules)"
    )
    environment = {
        "PYTHONPATH": str(HERE.parent),
        "HOST_PERSONAS_DIR": str(deployment.folder / "personas"),
        "HOST_PLUGINS_DIR": str(deployment.folder / "plugins"),
    }
    assert printed_by(code, env=environment) == "False\n"


def test_the_bundled_personas_and_plugins_are_good(clean_environment: None) -> None:
    registry = load(Settings(personas_dir=EXAMPLE_PERSONAS))
    assert not registry.broken
    assert {"receptionist", "reminder", "survey"} == set(registry.personas)
