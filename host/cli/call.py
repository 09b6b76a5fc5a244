"""`call`: place a call."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from datetime import datetime
from typing import Annotated

import typer

from host.cli.app import AsJson, cli, moment
from host.cli.running import of_the_local_extra, until_stopped
from host.registry import read_settings


@cli.command()
def call(
    persona: Annotated[str, typer.Argument(help="Persona that places the call.")],
    number: Annotated[str, typer.Argument(help="Number to dial, such as +15550001111.")],
    details: Annotated[
        list[str] | None, typer.Argument(help="Details for the persona: key=value ...")
    ] = None,
    local: Annotated[
        bool, typer.Option("--local", help="Use the exchange of a running `dev --local`.")
    ] = False,
    key: Annotated[
        str | None,
        typer.Option(help="Idempotency key: repeats with the same key place one call."),
    ] = None,
    reference: Annotated[
        str | None,
        typer.Option(help="Your own ID of the call: `calls --reference` finds its record by it."),
    ] = None,
    dtmf: Annotated[
        str | None,
        typer.Option(
            help="Keys to press after the answer, as for an extension: w waits 0.5 s, a comma 2 s."
        ),
    ] = None,
    caller_id: Annotated[
        str | None,
        typer.Option(
            "--caller-id",
            help="Number that the callee sees: one of the persona's own; default: its caller_id.",
        ),
    ] = None,
    at: Annotated[
        datetime | None,
        typer.Option(
            parser=moment,
            metavar="TIME",
            help="Have a host place it then, in ISO 8601; without an offset, local time.",
        ),
    ] = None,
    not_after: Annotated[
        datetime | None,
        typer.Option(
            "--not-after",
            parser=moment,
            metavar="TIME",
            help="Time from which it is not placed any more; default: a day after --at.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Place a call, wait until it is over, and print its outcome.

    With --at or --not-after, it is scheduled, and not waited for: a running host places it.
    The exit code is 0 for completed, transferred and voicemail_left, 1 if the call can't be placed,
    and 10 or more for other outcomes: see docs/commands.md.
    """
    from host.base.errors import MetadataError
    from host.cli import checks, persona_names
    from host.dispatch import place

    logging.getLogger("livekit").setLevel(logging.CRITICAL)  # its SDK calls a room's end an error
    settings = read_settings()
    persona_names.require_persona(settings, persona)
    number = checks.number_to_dial(number, persona)
    if caller_id is not None:
        caller_id = checks.number_as_written(caller_id)
    try:
        given = checks.details(details or [])
        metadata = place.metadata_of(
            settings, persona, number, given, key, reference, dtmf, caller_id=caller_id
        )
    except MetadataError as error:
        raise checks.told_to_a_person(error) from None
    if local:
        with of_the_local_extra():
            from host.local.world import running_world

        os.environ.update(running_world()[0])
        settings = read_settings()
    if at or not_after:
        from host.cli import scheduling

        wanted = scheduling.wanted(persona, number, given, key, reference, dtmf, caller_id)
        scheduling.schedule(settings, wanted, at, not_after, as_json=as_json)
        return
    quiet = as_json or not sys.stderr.isatty()
    placing = place.place(
        settings,
        metadata,
        (lambda status: None) if quiet else (lambda status: typer.echo(status, err=True)),
    )
    try:
        placed = asyncio.run(until_stopped(placing))
    except asyncio.CancelledError:
        raise typer.Abort from None
    typer.echo(placed.as_json() if as_json else f"{placed.outcome}: {placed.reason}")
    raise typer.Exit(placed.outcome.exit_code)
