"""`python -m host new`: project, persona, plugin."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from host import __version__
from host.cli.app import AsJson
from host.cli.layout import aligned
from host.cli.new.contents import FIRST, Files, persona_files, plugin_files, project_files
from host.cli.new.files import write_new
from host.cli.new.names import check_absent, check_folder, check_name, check_replaced
from host.registry.found import shown
from host.settings import load_settings

new = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

HOST = "python -m host"
ANSWERS = "+15552220001"
"""The number of the local world that answers."""

Steps = Sequence[tuple[str, str]]
"""What to type next, and what for."""


@new.callback()
def _of_all_commands() -> None:
    """Write a new project, persona or plugin, with tests. Nothing is ever overwritten."""


@new.command()
def project(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="Folder to write it into.")],
    as_json: AsJson = False,
) -> None:
    """Write a project: a folder with a persona, tests and settings.

    DIR is a new folder, or one with hidden files only.
    """
    path = Path(os.path.normpath(folder))
    check_folder(path)
    enter = [] if path == Path() else [(f"cd {shlex.quote(folder)}", "")]
    steps = [
        *enter,
        (f"{HOST} dev --local", "serve it on a simulated telephone network"),
        (f"{HOST} phone", f"in another terminal, in the same folder: call {FIRST}"),
    ]
    _write(project_files(path, __version__), steps, as_json=as_json)


@new.command()
def persona(
    name: Annotated[str, typer.Argument(help="Its name, such as front_desk.")],
    outbound: Annotated[
        bool, typer.Option("--outbound", help="Write one that places calls.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write a persona, its rules for the local LLM, and a test."""
    check_name("persona", name)
    folder = load_settings().personas_dir
    check_absent("persona", name, folder)
    steps = [
        (f"python -m pytest tests/test_{name}.py", "test it"),
        (f"{HOST} dev --local", "serve it"),
        (f"{HOST} phone {name}", "in another terminal: call it"),
    ]
    if outbound:
        call = f"{HOST} call --local {name} {ANSWERS} customer=Ann time=3pm"
        steps[-1] = (call, "in another terminal: let it call")
    _write(persona_files(name, folder, outbound=outbound), steps, as_json=as_json)


@new.command()
def plugin(
    name: Annotated[str, typer.Argument(help="Its name, such as crm.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace the bundled plugin of that name.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write a plugin for the calls of all personas, and a test."""
    check_name("plugin", name)
    settings = load_settings()
    check_replaced(name, settings.plugins_dir, settings.disable_plugins, replace=replace)
    check_absent("plugin", name, settings.plugins_dir)
    steps = [
        (f"python -m pytest tests/test_{name}.py", "test it"),
        (f"{HOST} personas", "see that it is loaded"),
    ]
    _write(plugin_files(name, settings.plugins_dir), steps, as_json=as_json)


def _write(files: Files, steps: Steps, *, as_json: bool) -> None:
    """Write the files, and say so."""
    write_new(files)
    paths = [shown(path) for path in files]
    if as_json:
        commands = [command for command, _ in steps]
        typer.echo(json.dumps({"wrote": paths, "next": commands}, indent=2))
        return
    rows = [(command, f"# {purpose}" if purpose else "") for command, purpose in steps]
    typer.echo("\n".join([*(f"wrote {path}" for path in paths), "", *aligned(rows)]))
