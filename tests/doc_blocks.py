"""Runs the code blocks of the pages: each kind of block in the way in which a reader uses it."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
import typer.main
import yaml
from authors import AUTHORS, examples
from deployment import HERE, Deployment
from pages import Block

import host.cli
from host.cli.simulate.callers import read_callers
from host.local.rule_files import read_rules
from host.registry import bundled_plugins
from host.registry.configure import with_plugin_settings
from host.server.api.schemas import WantedCall
from host.settings import Settings, env_name, load_settings
from host.settings.plugins import variables_of

NOT_INSTALLED = ("livekit.plugins.acme", "livekit.plugins.noise_cancellation")
"""Modules that pages import, and that the tests do not install."""
A_HOOK = "from host import hookimpl\n\n@hookimpl\ndef tools(call):\n    return []\n"
TARGETS = set(re.findall(r"^([a-z-]+):", (HERE.parent / "Makefile").read_text(), re.MULTILINE))


def run(block: Block, deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a block in an empty deployment. An exception, or a failed assertion: it is wrong."""
    for name in NOT_INSTALLED:
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    RUNNERS[block.kind](block.text, deployment)


def load_python(text: str, deployment: Deployment) -> None:
    """Load a persona or a plugin as the host does, which checks each of its hooks."""
    alone = re.search(r"^def (instructions|agent)\(", text, re.MULTILINE) and "wrapper" not in text
    if not alone:
        deployment.persona("desk")
    for module, name in re.findall(r"^from \.(\w+) import (\w+)", text, re.MULTILINE):
        deployment.write(f"plugins/{module}.py", f"{name} = {{}}\n")
    text = text if "@hookimpl" in text else f"{text}\n{A_HOOK}"
    deployment.write(f"{'personas' if alone else 'plugins'}/example.py", text)
    loaded = deployment.load()
    assert [str(fault) for fault in loaded.broken] == []
    assert "example" in (loaded.personas if alone else [plugin.name for plugin in loaded.plugins])


def load_toml(text: str, deployment: Deployment) -> None:
    """Read a host.toml, or the file beside a persona that the first line names."""
    if named := re.match(r"# (personas/(\w+)\.(rules|callers)\.toml)\n", text):
        file = deployment.write(named[1], text)
        if named[3] == "rules":
            assert read_rules(file.parent, [named[2]])
        else:
            assert read_callers(file)
        return
    deployment.write("host.toml", text)
    for table in re.findall(r"^\[personas\.(\w+)", text, re.MULTILINE):
        deployment.persona(table)
    for name in re.findall(r"^hands_over_to = \[(.*)\]", text, re.MULTILINE):
        for persona in re.findall(r"\w+", name):
            deployment.persona(persona)
    for example in examples(AUTHORS):
        if "[plugins.crm]" in text and example.startswith('"""CRM'):
            deployment.write("plugins/crm.py", example)
    settings = load_settings()
    assert settings.model_fields_set, "it sets nothing"
    with_plugin_settings(settings, deployment.load())


def read_ini(text: str, _: Deployment) -> None:
    """Look for variables in `.env` that no setting has."""
    known = {env_name(name) for name in Settings.model_fields}
    for plugin in bundled_plugins():
        if plugin.settings:
            named = variables_of(plugin.name, plugin.settings).values()
            known |= {variable for variables in named for variable in variables}
    names = re.findall(r"^(\w+)=", text, re.MULTILINE)
    assert names
    assert [name for name in names if name not in known] == []


def parse_console(text: str, _: Deployment) -> None:
    """Parse each command as the program does that it names, up to where it would begin."""
    typed = list(commands(text))
    assert typed, "no line begins with `$ `"
    for words in typed:
        if (own := of_host(words)) is not None:
            parse_host(own)
        elif words[0] == "make":
            assert {word for word in words[1:] if "=" not in word} <= TARGETS
        elif words[0] == "curl":
            asked = [words[at + 1] for at, word in enumerate(words) if word == "--json"]
            for body in asked:
                WantedCall.model_validate(json.loads(body))
        else:
            assert Path(words[0]).name in UNPARSED or words[:3] == ["python", "-m", "pytest"], words


IN_A_CONTAINER = ["docker", "compose", "exec", "host", "host"]
UNPARSED = {
    ".": "activates the environment",
    "cd": "changes the folder",
    "cp": "copies the files of deploy/, which have tests of their own",
    "docker": "is not installed here",
    "echo": "writes outside the deployment",
    "install": "writes outside the deployment",
    "kubectl": "is not installed here",
    "lk": "LiveKit's command line is not installed here",
    "pip": "needs a package index",
    "python3": "makes an environment",
    "systemctl": "needs systemd",
    "useradd": "changes the machine",
}
"""Commands of other programs, and why nothing here parses them."""


def commands(text: str) -> Iterator[list[str]]:
    """Yield the words of each command, without its output, comment and variables."""
    for lines in re.findall(r"^[$#] ((?:.*[^\\]\\\n)*.*(?:\n {13}.*)*)", text, re.MULTILINE):
        words = shlex.split(lines.replace("\\\n", " "), comments=True)
        while re.match(r"[A-Z_]+=", words[0]):
            words.pop(0)
        yield [word for word in words if word != "..."]


def of_host(words: list[str]) -> list[str] | None:
    """The words after those that start the host's program; None if they start another one."""
    for start in (["python", "-m", "host"], ["host"], IN_A_CONTAINER):
        if words[: len(start)] == start:
            return words[len(start) :]
    at = next((at for at, word in enumerate(words) if word.endswith("/bin/host")), None)
    return None if at is None else words[at + 1 :]


def parse_host(words: list[str]) -> None:
    """Parse the words of `python -m host` as it does, without running the command."""
    command, context = typer.main.get_command(host.cli.cli), None
    while True:
        context = command.make_context(command.name or "", words, parent=context)
        if not hasattr(command, "resolve_command"):
            return
        words = [*context._protected_args, *context.args]
        if not words and getattr(command, "invoke_without_command", False):
            return
        _, command, words = command.resolve_command(context, words)


def read_json(text: str, _: Deployment) -> None:
    """Read JSON."""
    json.loads(text)


def read_yaml(text: str, _: Deployment) -> None:
    """Read YAML."""
    assert yaml.safe_load(text)


def run_shell(text: str, deployment: Deployment) -> None:
    """Run commands in a folder that has the files which they name."""
    for name in re.findall(r"\b[\w-]+\.txt\b", text):
        (deployment.folder / name).touch()
    bare = {"PATH": os.environ["PATH"]}
    subprocess.run(["sh", "-ec", text], cwd=deployment.folder, env=bare, check=True, timeout=20)


RUNNERS: dict[str, Callable[[str, Deployment], None]] = {
    "console": parse_console,
    "ini": read_ini,
    "json": read_json,
    "python": load_python,
    "sh": run_shell,
    "toml": load_toml,
    "yaml": read_yaml,
}
