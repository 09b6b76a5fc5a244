"""The application that commands are added to, and the options that they share."""

from __future__ import annotations

from typing import Annotated

import typer

cli = typer.Typer(
    name="host",
    help="Many AI personas on the telephone, in one worker, through LiveKit.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    # What a plugin's command returns is no exit code.
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
    """Take the options that stand before a command."""


Local = Annotated[
    bool, typer.Option("--local", help="Bring up the local world: no account, no trunk, no keys.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for a program to read.")]
Strict = Annotated[
    bool, typer.Option("--strict", help="Exit with 1 where a persona or plugin is broken.")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log LiveKit's own details too.")]
