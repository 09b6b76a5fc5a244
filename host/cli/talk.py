"""`chat`, `phone` and `demo`: try personas in text and on local telephones."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Annotated

import typer

from host import registry
from host.base.errors import HostError, MetadataError, PersonaError
from host.cli import checks, persona_names
from host.cli.app import LocalRules, cli
from host.cli.local_llm import in_place_of_openai
from host.cli.running import of_the_local_extra, run
from host.settings import load_settings


@cli.command()
def chat(
    persona: Annotated[str, typer.Argument(help="Persona to talk with.")],
    details: Annotated[
        list[str] | None, typer.Argument(help="Details for the persona: key=value ...")
    ] = None,
    number: Annotated[
        str | None, typer.Option(help="Number from which the persona is called.")
    ] = None,
    local: LocalRules = False,
) -> None:
    """Chat with a persona in the terminal. `#5` presses a key."""
    settings = registry.read_settings()
    hooks = persona_names.require_persona(settings, persona).view(persona)
    given = checks.details(details or [])

    from host.cli.chat import ask_terminal
    from host.cli.chat import chat as talk
    from host.dispatch.details import parse_details

    try:
        parse_details(hooks, given)
    except MetadataError as error:
        raise checks.told_to_a_person(error) from None

    conversation = talk(
        settings,
        persona,
        given,
        number=None if number is None else checks.number_as_written(number),
        llm=in_place_of_openai(settings) if local else None,
        ask=ask_terminal,
        show=lambda who, text: typer.echo(f"{who}: {text}"),
    )
    # Its tracebacks of a model that fails come three times before the error that says so.
    logging.getLogger("livekit").setLevel(logging.CRITICAL)
    run(conversation)


@cli.command()
def phone(
    number: Annotated[str | None, typer.Argument(help="Persona or number to call.")] = None,
    caller: Annotated[str, typer.Option(help="Caller ID to show.")] = "+15557770001",
) -> None:
    """Call a persona on the local exchange of a running `dev --local`.

    Type the caller's words. `#5` presses a key; an empty line or Ctrl-D hangs up.
    """
    with of_the_local_extra():
        from host.local.handset import ring
        from host.local.world import OUR_NUMBER, running_world

    world, numbers = running_world()
    called = OUR_NUMBER if number is None else _number_of(number, numbers)
    run(ring(world["LIVEKIT_URL"], called, caller))


def _number_of(whom: str, numbers: Mapping[str, str]) -> str:
    """Return the number that rings a persona, or a number as people write it."""
    if whom in numbers:
        return numbers[whom]
    number = checks.number_as_written(whom)
    if number.startswith("+"):
        return number
    if meant := checks.meant_number(whom):
        raise HostError(f"{whom!r} is not an E.164 number like +15550001111{meant}")
    settings = load_settings()
    fault = persona_names.fault_of(settings, registry.load(settings), whom)
    raise PersonaError(fault or f"there is no persona {whom!r}{persona_names.meant(whom, numbers)}")


@cli.command()
def demo() -> None:
    """Play and record four calls in the local world."""
    with of_the_local_extra():
        from host.local.demo import play

    raise typer.Exit(asyncio.run(play()))
