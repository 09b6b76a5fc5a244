"""`personas`, `hooks`, `which` and `gate`: inspect a deployment without a call."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer

from host import registry
from host.cli import checks, persona_names
from host.cli.app import AsJson, Strict, cli, moment
from host.cli.running import print_out
from host.settings import load_settings


@cli.command()
def personas(
    as_json: AsJson = False,
    strict: Strict = False,
) -> None:
    """List personas and plugins, and report broken ones.

    With --strict, the models of all personas are created, too, as by `start`: a key may be missing.
    """
    from host.cli import show

    settings = registry.read_settings()
    loaded = registry.load(settings)
    faults: Sequence[str] = ()
    if strict:
        from host.server.admission import check  # it takes a second

        faults = check(settings)
    print_out(show.personas(loaded, as_json=as_json, strict=strict, faults=faults))


@cli.command()
def hooks(as_json: AsJson = False) -> None:
    """List the hooks and their implementations."""
    from host.cli import show

    print_out(show.hooks(registry.load(load_settings()), as_json=as_json))


@cli.command()
def which(
    room: Annotated[str, typer.Option(help="Name of the room.")] = "",
    metadata: Annotated[str, typer.Option(help="Metadata of the dispatch.")] = "",
    to: Annotated[str | None, typer.Option(help="Number that the caller dials.")] = None,
    caller: Annotated[str | None, typer.Option("--from", help="Number of the caller.")] = None,
    header: Annotated[
        list[str] | None, typer.Option(help="SIP header of the call, as X-Name=value.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Explain which persona takes a call, and by which rule."""
    from host.cli import show

    settings = load_settings()
    loaded = registry.load(settings)
    print_out(
        show.which(
            loaded,
            room=room,
            metadata=metadata,
            number=to,
            caller=caller,
            headers=header or (),
            as_json=as_json,
            hint=lambda choice, dispatch: persona_names.why_not(settings, loaded, choice, dispatch),
        )
    )


@cli.command()
def gate(
    number: Annotated[str, typer.Argument(help="Number to check, such as +15550001111.")],
    persona: Annotated[str | None, typer.Option(help="Persona that places the call.")] = None,
    at: Annotated[
        datetime | None,
        typer.Option(
            parser=moment,
            metavar="TIME",
            help="Time of the call in ISO 8601; without an offset, local time.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check whether a number may be called.

    Nothing is dialled, and no attempt is counted. The exit code is 0 if the number is allowed, and
    1 if a rule blocks it.
    """
    from host.compliance import Gate

    settings = load_settings()
    if persona is not None:
        persona_names.require_persona(settings, persona)
    rules = Gate(settings, settings.persona(persona or ""), persona or "")
    verdict = rules.dial(checks.number_as_written(number), at, attempt=False)
    shown = f"{'allowed' if verdict.allowed else 'blocked'}: {verdict}"
    shown += checks.meant_number(number) or checks.number_of_the_local_world(verdict, number)
    typer.echo(verdict.as_json() if as_json else shown)
    raise typer.Exit(0 if verdict.allowed else 1)
