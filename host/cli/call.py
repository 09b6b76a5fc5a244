"""`call`: place a call."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Coroutine
from typing import Annotated, Any, TypeVar

import typer

from host.cli.app import AsJson, cli
from host.cli.running import of_the_local_extra
from host.registry import read_settings

T = TypeVar("T")


@cli.command()
def call(
    persona: Annotated[str, typer.Argument(help="Who calls.")],
    number: Annotated[str, typer.Argument(help="The number to dial, like +15550001111.")],
    details: Annotated[
        list[str] | None, typer.Argument(help="What the persona needs: key=value ...")
    ] = None,
    local: Annotated[
        bool, typer.Option("--local", help="On the exchange of a running `dev --local`.")
    ] = False,
    key: Annotated[
        str | None,
        typer.Option(help="Names this request: one call is made for it, however often it is run."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Place a call, wait until it is over, and tell how it went.

    The exit code is 0 when the call did its work (completed, transferred, message left), 1 when it
    could not be placed, and from 10 on by outcome: see README.
    """
    from host.base.errors import MetadataError
    from host.cli import checks
    from host.dispatch import place

    logging.getLogger("livekit").setLevel(logging.CRITICAL)  # its SDK calls a room's end an error
    settings = read_settings()
    checks.require_persona(settings, persona)
    number = checks.number_to_dial(number, persona)
    try:
        metadata = place.metadata_of(settings, persona, number, checks.details(details or []), key)
    except MetadataError as error:
        raise checks.told_to_a_person(error) from None
    if local:
        with of_the_local_extra():
            from host.local.world import running_world

        os.environ.update(running_world()[0])
        settings = read_settings()
    quiet = as_json or not sys.stderr.isatty()
    placing = place.place(
        settings,
        metadata,
        (lambda status: None) if quiet else (lambda status: typer.echo(status, err=True)),
    )
    try:
        placed = asyncio.run(_until_stopped(placing))
    except asyncio.CancelledError:
        raise typer.Abort from None
    typer.echo(placed.as_json() if as_json else f"{placed.outcome}: {placed.reason}")
    raise typer.Exit(placed.outcome.exit_code)


async def _until_stopped(work: Coroutine[Any, Any, T]) -> T:
    """Do something; SIGTERM interrupts it as Ctrl-C does, so that it leaves nothing behind."""
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task
