"""The application of the command line, and the options that commands share."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

cli = typer.Typer(
    name="host",
    help="Run AI personas on the telephone, in one LiveKit worker.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    # The return value of a plugin's command is no exit code.
    result_callback=lambda *result, **options: None,
)


def _show_version(wanted: bool) -> None:
    if wanted:
        from host import __version__

        typer.echo(__version__)
        raise typer.Exit


@cli.callback()
def _of_all_commands(
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the host's version."
        ),
    ] = False,
) -> None:
    """Handle the options before a command."""


def moment(text: str) -> datetime:
    """Read a time of the command line; without an offset, it is local. Raises BadParameter."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no time like 2026-11-23T09:30") from None


Local = Annotated[
    bool, typer.Option("--local", help="Use a local world without account, trunk or keys.")
]
LocalRules = Annotated[
    bool, typer.Option("--local", help="Let the persona answer by its rules, without a model.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Strict = Annotated[
    bool, typer.Option("--strict", help="Exit with 1 if a persona or plugin is broken.")
]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", help="Log LiveKit's debug messages, too.")
]
