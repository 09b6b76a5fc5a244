"""The commands. Thin: each reads its words, calls one function, prints, exits.

LiveKit takes seconds to import, so whatever needs it is imported inside its command.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Coroutine
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

from host import registry
from host.base.errors import HostError
from host.cli.calls.commands import calls
from host.privacy import without_secrets
from host.settings import Settings, load_settings

if TYPE_CHECKING:
    from host.cli.show import Shown
    from host.local.world import World

T = TypeVar("T")

cli = typer.Typer(
    name="host",
    help="Many AI personas on the telephone, in one worker, through LiveKit.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
cli.add_typer(calls, name="calls")

Local = Annotated[
    bool, typer.Option("--local", help="Bring up the local world: no account, no trunk, no keys.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for a program to read.")]
Strict = Annotated[
    bool, typer.Option("--strict", help="Exit with 1 where a persona or plugin is broken.")
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log LiveKit's own details too.")]


@cli.command()
def dev(local: Local = False, strict: Strict = False, verbose: Verbose = False) -> None:
    """Serve calls while you work: readable logs, no waiting for calls at the end."""
    from host.privacy.logs import log_to_terminal

    log_to_terminal(verbose=verbose)
    _run(_serve(dev=True, local=local, strict=strict))


@cli.command()
def start(local: Local = False, strict: Strict = False) -> None:
    """Serve calls in production: JSON logs, a health check, live calls end before it stops."""
    from host.privacy.logs import log_as_json

    log_as_json()
    _run(_serve(dev=False, local=local, strict=strict))


@cli.command()
def personas(
    as_json: AsJson = False,
    strict: Strict = False,
) -> None:
    """Show the personas and plugins there are, and what is wrong with the others."""
    from host.cli import show

    _print(show.personas(registry.load(load_settings()), as_json=as_json, strict=strict))


@cli.command()
def hooks(
    as_json: AsJson = False,
    markdown: Annotated[bool, typer.Option(help="Print README's tables.")] = False,
) -> None:
    """Show every hook, and who answers it here."""
    from host.cli import show

    if markdown:
        typer.echo(show.markdown())
    else:
        _print(show.hooks(registry.load(load_settings()), as_json=as_json))


@cli.command()
def which(
    room: Annotated[str, typer.Option(help="The room's name.")] = "",
    metadata: Annotated[str, typer.Option(help="The dispatch's metadata.")] = "",
    to: Annotated[str | None, typer.Option(help="The number that was dialled.")] = None,
    as_json: AsJson = False,
) -> None:
    """Tell which persona takes a call, by which rule, and why."""
    from host.cli import show

    loaded = registry.load(load_settings())
    _print(show.which(loaded, room=room, metadata=metadata, number=to, as_json=as_json))


@cli.command()
def gate(
    number: Annotated[str, typer.Argument(help="What would be dialled, like +15550001111.")],
    persona: Annotated[str | None, typer.Option(help="Who would call.")] = None,
    at: Annotated[
        datetime | None,
        typer.Option(
            parser=datetime.fromisoformat, metavar="TIME", help="When: ISO 8601, else local time."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell whether a number would be dialled, and by which rule not. Nothing is dialled or counted.

    The exit code is 0 where it would, and 1 where it would not.
    """
    from host.compliance import Gate

    settings = load_settings()
    if persona is not None:
        registry.load(settings).view(persona)  # there must be one of that name
    rules = Gate(settings, settings.persona(persona or ""), persona or "")
    verdict = rules.dial(number, at, attempt=False)
    shown = f"{'allowed' if verdict.allowed else 'blocked'}: {verdict}"
    typer.echo(verdict.as_json() if as_json else shown)
    raise typer.Exit(0 if verdict.allowed else 1)


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
    from host.dispatch import place

    logging.getLogger("livekit").setLevel(logging.CRITICAL)  # its SDK calls a room's end an error
    if local:
        from host.local.world import running_world

        os.environ.update(running_world()[0])
    settings = load_settings()
    metadata = place.metadata_of(settings, persona, number, place.details_of(details or []), key)
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
        async with _world(local) as settings:
            await talk(
                settings,
                persona,
                details_of(details or []),
                ask=ask_terminal,
                show=lambda who, text: typer.echo(f"{who}: {text}"),
            )

    _run(conversation())


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
    from host.local.handset import ring

    _run(ring(number, caller))


@cli.command()
def demo() -> None:
    """Hear personas take and make calls on the local world: four scenes, recorded."""
    from host.local.demo import play

    raise typer.Exit(asyncio.run(play()))


async def _serve(*, dev: bool, local: bool, strict: bool) -> None:
    from host.server.serve import serve

    async with _world(local) as settings:
        await serve(settings, dev=dev, strict=strict)


@contextlib.asynccontextmanager
async def _world(local: bool) -> AsyncIterator[Settings]:
    """The settings, after the local world is up and has put its own into the environment."""
    if not local:
        yield load_settings()
        return
    from host.local.world import World
    from host.privacy.logs import keep_private

    world: World
    async with World() as world:
        world.settle_in()
        settings = load_settings()
        personas = registry.load(settings).personas.values()
        await world.give_numbers({persona.name: persona.numbers for persona in personas})
        world.open_to_handsets()
        keep_private(settings)  # which opens the numbers of this world: they are to be read
        typer.echo(world.welcome(), err=True)
        yield settings


def _run(work: Coroutine[Any, Any, None]) -> None:
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(work)


def _print(shown: Shown) -> None:
    typer.echo(shown.text)
    raise typer.Exit(shown.exit_code)


def main() -> None:
    """Run a command. What its reader can mend is one line and exit code 1."""
    try:
        with contextlib.suppress(HostError):  # a command that needs settings will say it itself
            for fault in registry.load(load_settings()).commands(cli):
                typer.echo(f"host: {fault}", err=True)
        cli()
    except HostError as error:
        typer.echo(f"host: {without_secrets(str(error))}", err=True)
        _exit(1)
    except SystemExit as end:
        _exit(end.code)


def _exit(code: str | int | None) -> NoReturn:
    """End the process with this exit code, and no other.

    LiveKit's SDK has threads that may still call into an interpreter that is taken down, and abort
    the process then: 1 exit of 36 with SDK 1.1.21. Nothing of ours is left to be done.
    """
    if "livekit.rtc" not in sys.modules or not isinstance(code, int):
        raise SystemExit(code)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
