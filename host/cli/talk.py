"""`chat`, `phone` and `demo`: talk with personas, and hear them."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from host.cli.app import Local, cli
from host.cli.running import of_the_local_extra, run, world_of


@cli.command()
def chat(
    persona: Annotated[str, typer.Argument(help="Whom to talk with.")],
    details: Annotated[
        list[str] | None, typer.Argument(help="What the persona needs: key=value ...")
    ] = None,
    local: Local = False,
) -> None:
    """Talk with a persona in text, here in the terminal."""
    from host.cli.chat import ask_terminal
    from host.cli.chat import chat as talk
    from host.dispatch.place import details_of

    async def conversation() -> None:
        async with world_of(local) as settings:
            await talk(
                settings,
                persona,
                details_of(details or []),
                ask=ask_terminal,
                show=lambda who, text: typer.echo(f"{who}: {text}"),
            )

    run(conversation())


@cli.command()
def phone(
    number: Annotated[
        str | None, typer.Argument(help="A persona's name, or the number to ring.")
    ] = None,
    caller: Annotated[str, typer.Option(help="The caller ID to show.")] = "+15557770001",
) -> None:
    """Ring a persona on the local exchange of a running `dev --local`.

    Type what you would say; #5 presses a key; an empty line or Ctrl-D hangs up.
    """
    with of_the_local_extra():
        from host.local.handset import ring

    run(ring(number, caller))


@cli.command()
def demo() -> None:
    """Hear personas take and make calls on the local world: four scenes, recorded."""
    with of_the_local_extra():
        from host.local.demo import play

    raise typer.Exit(asyncio.run(play()))
