"""A reload: all of it, or nothing; and what a host keeps until it is restarted."""

from __future__ import annotations

import gc
import logging
import os
import pickle
import sys
import weakref
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from deployment import Deployment
from reloading import SAYS, said_by, says, start

from host import registry
from host.call.dispatch import read_dispatch
from host.registry import Registry
from host.server.reload import Reloaded, Reloader
from host.server.reload import reloader as module
from host.settings import Settings

SAYS_WHAT_IS_SHARED = '''\
"""Desk."""

from host import hookimpl

from ._words import WORD


@hookimpl
def instructions(call):
    return WORD
'''


def refused(reloader: Reloader) -> list[str]:
    """Reload in vain, and return why."""
    settings, loaded = reloader.settings, reloader.loaded
    before = said_by(loaded)
    result = reloader.reload()
    assert result.refused
    assert (reloader.settings, reloader.loaded) == (settings, loaded)
    assert registry.load(settings) is loaded, "another registry is in use"
    assert said_by(loaded) == before
    return result.faults


def test_a_saved_persona_is_served(served: Deployment) -> None:
    reloader = start()
    says(served, "desk", "two")
    result = reloader.reload()
    assert result == Reloaded(changed=["personas/desk.py"])
    assert result.lines == ["reloaded for the next calls: personas/desk.py"]
    assert said_by(reloader.loaded) == "two"
    assert registry.load(reloader.settings) is reloader.loaded


def test_saves_within_a_second_that_keep_a_files_size_are_all_served(served: Deployment) -> None:
    reloader = start()
    file = says(served, "desk", "one")
    for word in ("two", "six", "ten", "one"):
        says(served, "desk", word)
        os.utime(file, (1, 1))  # Python's own cache compares size and second
        reloader.reload()
        assert said_by(reloader.loaded) == word


def test_what_modules_share_is_served_anew(served: Deployment) -> None:
    served.write("personas/_words.py", "WORD = 'one'")
    served.write("personas/desk.py", SAYS_WHAT_IS_SHARED)
    reloader = start()
    assert said_by(reloader.loaded) == "one"
    served.write("personas/_words.py", "WORD = 'two'")
    assert reloader.reload().changed == ["personas/_words.py"]
    assert said_by(reloader.loaded) == "two"
    served.write("personas/_words.py", "WORD = two'")
    assert refused(reloader) == [
        "personas/_words.py:1: SyntaxError: unterminated string literal (detected at line 1)"
    ]
    served.write("personas/_words.py", "\n\nWORD = 1 / 0")
    assert refused(reloader) == ["personas/_words.py:3: ZeroDivisionError: division by zero"]


def test_a_plugin_is_served_anew_and_finds_its_settings(served: Deployment) -> None:
    plugin = """\
        from pydantic import BaseModel
        from host import hookimpl

        class Crm(BaseModel):
            {field}: str = "unset"

        @hookimpl
        def plugin_settings():
            return Crm

        @hookimpl(wrapper=True)
        def instructions(call):
            answer = yield
            return answer + " {word}"
        """
    served.write("plugins/crm.py", plugin.format(field="url", word="first"))
    served.write("host.toml", '[plugins.crm]\nurl = "https://one"\n')
    reloader = start()
    served.write("plugins/crm.py", plugin.format(field="address", word="second"))
    assert refused(reloader) == [
        "host.toml:1: [plugins.crm]: plugin crm has no setting url (it has address)"
    ]
    (model,) = [each.settings for each in reloader.loaded.plugins if each.name == "crm"]
    assert model is not None
    assert reloader.settings.plugin("crm") == model(url="https://one")
    served.write("host.toml", '[plugins.crm]\naddress = "https://two"\n')
    assert reloader.reload().changed == ["plugins/crm.py", "host.toml"]
    assert reloader.settings.plugin("crm").address == "https://two"
    assert said_by(reloader.loaded) == "one second"


@pytest.mark.parametrize(
    ("file", "text", "fault"),
    [
        ("personas/desk.py", "def (", "personas/desk.py:1: SyntaxError: invalid syntax"),
        (
            "personas/desk.py",
            SAYS.format(name="desk", says="")
            + "\n\n@hookimpl\ndef greting(call):\n    return ''\n",
            "personas/desk.py:12: unknown hook greting(); did you mean greeting()?",
        ),
        (
            "personas/desk.py",
            "import sys\nsys.exit(3)",
            "personas/desk.py:2: exits while it is loaded: SystemExit: 3",
        ),
        ("personas/desk.py", "", "personas/desk.py:1: a persona needs instructions(call) or"),
        ("plugins/extra.py", "import nonsense", "plugins/extra.py:1: lacks module nonsense"),
        ("host.toml", "max_calls =\n", "host.toml: Invalid value (at line 1, column 12)"),
        ("host.toml", "\nmax_calls = 0", "host.toml:2: max_calls must be 1 or more"),
        (
            "host.toml",
            "\nsilent = 3\n[personas.desk.words]\nsilent = 'a'\n",
            "host.toml:2: silent is no setting",
        ),
        (
            "host.toml",
            "[personas.desk]\n[personas.desk.words]\n\nsilent = 3\n",
            "host.toml:4: [personas.desk.words] silent must be text",
        ),
        ("host.toml", "\n[plugins.crm]\nx = 3\n", "host.toml:2: [plugins.crm]: there is no plugin"),
        (
            "host.toml",
            "[personas]\ndesk = { max_duration = -1 }\n",
            "host.toml: [personas.desk] max_duration must be",
        ),
        (
            "host.toml",
            'stt = "nobody/nothing"',
            'stt = "nobody/nothing": no plugin provides nobody',
        ),
        (
            "host.toml",
            '[personas.desk]\nnumbers = ["+15551000001"]\n'
            '[personas.night]\nnumbers = ["+15551000001"]\n',
            "number +15551000001 is given to both desk and night",
        ),
    ],
)
def test_a_broken_save_keeps_the_last_good_one_and_says_where(
    served: Deployment, file: str, text: str, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    served.write("plugins/extra.py", '"""Nothing yet."""\n')
    served.write("host.toml", "")
    reloader = start()
    served.write(file, text)
    (told,) = refused(reloader)
    assert told.startswith(fault)
    assert f"not reloaded, the last good code stays: {told}" in caplog.text
    served.write(file, '"""Nothing again."""\n' if file.startswith("plugins") else "")
    says(served, "desk", "mended")
    assert not reloader.reload().refused
    assert said_by(reloader.loaded) == "mended"


def test_what_is_imported_only_in_calls_is_kept_and_checked(served: Deployment) -> None:
    late = SAYS.format(name="desk", says="").replace(
        'return ""', "from ._words import WORD\n    return WORD"
    )
    served.write("personas/desk.py", late)
    served.write("personas/_words.py", "WORD = 'one'")
    reloader = start()
    served.write("personas/_words.py", "WORD = 'two'")
    assert said_by(reloader.loaded) == "one", "a live call has got new code"
    reloader.reload()
    served.write("personas/_words.py", "\nWORD = (")
    assert refused(reloader) == ["personas/_words.py:2: SyntaxError: '(' was never closed"]
    assert said_by(reloader.loaded) == "two"


def test_a_bundled_plugin_does_not_stand_in_for_a_broken_one(served: Deployment) -> None:
    served.write("plugins/hold.py", '"""Ours."""\n')
    reloader = start()
    served.write("plugins/hold.py", "1 / 0")
    assert refused(reloader) == ["plugins/hold.py:1: ZeroDivisionError: division by zero"]


def test_a_new_persona_that_is_broken_holds_up_no_other(served: Deployment) -> None:
    reloader = start()
    says(served, "desk", "two")
    served.write("personas/night.py", "def (")
    result = reloader.reload()
    fault = "personas/night.py:1: SyntaxError: invalid syntax"
    assert (result.refused, result.faults) == (False, [fault])
    assert said_by(reloader.loaded) == "two"
    dispatch = read_dispatch("{}", "night-1")
    assert reloader.loaded.choose(dispatch).persona is None, "a call of it went elsewhere"
    assert reloader.reload().faults == [], "it is said once"


def test_a_strict_host_reloads_nothing_broken(served: Deployment) -> None:
    reloader = start(strict=True)
    served.write("personas/night.py", "def (")
    assert refused(reloader) == ["personas/night.py:1: SyntaxError: invalid syntax"]


def test_personas_come_and_go(served: Deployment) -> None:
    reloader = start()
    night = says(served, "night", "good night")
    assert set(reloader.loaded.personas) == {"desk"}
    reloader.reload()
    assert set(reloader.loaded.personas) == {"desk", "night"}
    night.unlink()
    assert reloader.reload().changed == ["personas/night.py"]
    assert set(reloader.loaded.personas) == {"desk"}
    served.folder.joinpath("personas/desk.py").unlink()
    (fault,) = refused_without_persona(reloader)
    assert fault == "there is no persona in personas"


def refused_without_persona(reloader: Reloader) -> list[str]:
    """Reload a deployment whose last persona is gone."""
    result = reloader.reload()
    assert result.refused
    assert said_by(reloader.loaded)
    return result.faults


def test_what_loads_for_ever_is_stopped_and_named(
    served: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LOAD_LIMIT", 0.3)
    reloader = start()
    served.write("personas/desk.py", "while True:\n    pass\n")
    (fault,) = refused(reloader)
    assert fault.startswith("personas/desk.py:")
    assert fault.endswith("TimeoutError: it takes longer than 0 s to load")


def test_limits_and_routes_of_host_toml_are_served(served: Deployment) -> None:
    says(served, "night", "good night")
    reloader = start()
    told: list[tuple[Settings, Registry]] = []
    reloader.follow(lambda *served: told.append(served))
    served.write("host.toml", 'max_calls = 3\n[personas.night]\nnumbers = ["+15551000001"]\n')
    assert reloader.reload().changed == ["host.toml"]
    ((settings, loaded),) = told
    assert settings.max_calls == 3
    assert loaded.routes.numbers == {"+15551000001": "night"}


def test_what_takes_a_restart_stays_and_is_said_in_one_line(
    served: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    del os.environ["LIVEKIT_URL"]
    served.write("host.toml", 'livekit_url = "ws://127.0.0.1:9"\n')
    reloader = start()
    os.environ["LIVEKIT_URL"] = "ws://127.0.0.1:9"  # as LiveKit's worker does
    served.write(
        "host.toml",
        'livekit_url = "ws://elsewhere"\nagent_name = "other"\nhealth_port = 9\n'
        'state_dir = "elsewhere"\npass_environment = ["A"]\nmax_calls = 3\n'
        "[plugins.metrics]\nport = 9\n",
    )
    result = reloader.reload()
    assert result.lines[-1] == (
        "agent_name, health_port, livekit_url, pass_environment, state_dir, [plugins.metrics] take "
        "effect after a restart"
    )
    assert caplog.text.count("after a restart") == 1
    assert os.environ["LIVEKIT_URL"] == "ws://127.0.0.1:9"
    settings = reloader.settings
    assert (settings.max_calls, settings.health_port) == (3, 8081)
    assert (settings.agent_name, settings.livekit_url) == ("host", "ws://127.0.0.1:9")
    assert settings.state_dir == Path(".host")
    assert settings.plugin("metrics").port is None
    assert registry.load(settings) is reloader.loaded


def test_the_code_of_a_process_is_reused_until_the_host_has_reloaded(served: Deployment) -> None:
    reloader = start()
    preloaded = reloader.loaded
    code = pickle.loads(pickle.dumps(preloaded.code))
    assert registry.load(reloader.settings, code) is preloaded
    reloader.reload()  # perhaps a file that the persona reads has changed, which nobody knows
    assert registry.load(reloader.settings, reloader.loaded.code) is reloader.loaded
    assert reloader.loaded is not preloaded


@pytest.mark.corpus
def test_nothing_of_old_code_is_kept(served: Deployment) -> None:
    served.write("plugins/_shared.py", "RATES = {'gold': list(range(100_000))}")
    plugin = """\
        from pydantic import BaseModel
        from host import hookimpl
        from ._shared import RATES

        class Crm(BaseModel):
            url: str = "{at}"

        @hookimpl
        def plugin_settings():
            return Crm
        """
    served.write("plugins/crm.py", plugin.format(at=0))
    reloader = start()
    blocks = []
    for at in range(1, 13):
        old = [weakref.ref(each) for each in modules_of(reloader.loaded)]
        served.write("plugins/crm.py", plugin.format(at=at))
        says(served, "desk", f"word {at}")
        if at % 5 == 0:
            served.write("personas/desk.py", "def (")
            assert reloader.reload().refused
            says(served, "desk", f"word {at}")
        assert not reloader.reload().refused
        assert [each() for each in old] == [None] * len(old)
        gc.collect()
        blocks.append(sys.getallocatedblocks())
    assert said_by(reloader.loaded) == "word 12"
    grown = blocks[-1] - blocks[4]
    assert grown < 2_000, f"{grown} blocks in 7 reloads: {blocks}"


def modules_of(loaded: Registry) -> list[ModuleType]:
    """The modules of a registry that a reload replaces."""
    modules = [each.module for each in loaded.personas.values()]
    modules += [each.module for each in loaded.plugins if not each.bundled]
    packages = {each.__name__.partition(".")[0] for each in modules}
    return [
        each
        for name, each in list(sys.modules.items())
        if "." in name and name.partition(".")[0] in packages
    ]


def test_a_part_of_the_host_that_fails_holds_up_no_other(
    served: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(settings: Settings, loaded: Registry) -> None:
        raise LookupError

    told: list[Registry] = []
    reloader = start()
    reloader.follow(fails)
    reloader.follow(lambda settings, loaded: told.append(loaded))
    assert not reloader.reload().refused
    assert told == [reloader.loaded]
    assert "a part of the host has not got what was reloaded" in caplog.text


def test_a_failure_of_the_host_itself_keeps_what_is_served(
    served: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*facts: Any) -> list[str]:
        raise ZeroDivisionError

    reloader = start()
    monkeypatch.setattr(module, "check", breaks)
    assert refused(reloader) == ["ZeroDivisionError()"]
