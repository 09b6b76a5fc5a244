"""How commands run: their loop, the local world around it, what they print."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import AsyncIterator, Coroutine, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from host import registry
from host.base.errors import HostError
from host.base.tasks import Tasks
from host.privacy.descriptors import masked_descriptors
from host.privacy.logs import keep_private, mask_what_is_printed
from host.privacy.mask import mask
from host.registry import Registry, Use
from host.settings import Settings

log = logging.getLogger("host")

if TYPE_CHECKING:
    from host.cli.show import Shown
    from host.local.sip import Lines
    from host.local.world import World

T = TypeVar("T")


@contextlib.asynccontextmanager
async def world_of(local: bool, lines: Lines | None = None) -> AsyncIterator[tuple[Settings, Use]]:
    """The settings, after the local world is up and has put its own into the environment.

    With `lines`, it has LiveKit SIP. Also returns what has the world follow a reload. What a user
    may have got wrong is checked before this: a world takes seconds to come up.
    """
    if not local:
        yield registry.read_settings(), lambda settings, loaded: None
        return
    with of_the_local_extra():
        from host.cli.local_llm import rules_of
        from host.local.sip import SipWorld
        from host.local.world import World

    before = registry.read_settings()
    rules = rules_of(before, registry.load(before))
    world: World = World(rules=rules) if lines is None else SipWorld(lines, rules=rules)
    async with world:
        world.settle_in()
        settings = registry.read_settings()
        await _give_numbers(world, registry.load(settings))
        keep_private(settings)  # which opens the numbers of this world: they are to be read
        typer.echo(world.welcome(), err=True)
        tasks = Tasks()
        try:
            yield settings, partial(_follow, world, tasks)
        finally:
            await tasks.stop(1)


def _follow(world: World, tasks: Tasks, settings: Settings, loaded: Registry) -> None:
    """Have the local world know the personas that there are now: their rules, their numbers."""
    from host.cli.local_llm import rules_of

    try:
        world.llm.rules = rules_of(settings, loaded)
    except HostError as error:
        log.error("the local LLM keeps its rules: %s", error)
    tasks.start(_give_numbers(world, loaded), "giving numbers to personas")


async def _give_numbers(world: World, loaded: Registry) -> None:
    """Let each persona be rung, and handsets know by which number."""
    await world.give_numbers({each.name: each.numbers for each in loaded.personas.values()})
    world.open_to_handsets()


@contextlib.contextmanager
def masked_output() -> Iterator[None]:
    """Mask all that this process and its children write inside the block, also below Python."""
    mask_what_is_printed()
    with masked_descriptors(mask):
        yield


@contextlib.contextmanager
def of_the_local_extra() -> Iterator[None]:
    """Import what the extra `local` brings. Raises HostError where it is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise HostError(f"{error.name} is not installed: pip install 'host[local]'") from error


def stop_on_sigterm() -> None:
    """Let SIGTERM interrupt this process as Ctrl-C does, until something else handles it.

    The kernel drops the SIGTERM of process 1, as in a container, while it has no handler.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)


async def until_stopped(work: Coroutine[Any, Any, T]) -> T:
    """Do something; SIGTERM interrupts it as Ctrl-C does, so that it leaves nothing behind."""
    task = asyncio.ensure_future(work)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await task


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run a command until it is over, or Ctrl-C ends it, or SIGTERM what is `until_stopped`."""
    try:
        asyncio.run(work)
    except (KeyboardInterrupt, asyncio.CancelledError):
        end_line()


def end_line() -> None:
    """Begin a new line after the ^C of a terminal, or a prompt: the shell's prompt comes next."""
    if sys.stderr.isatty():
        typer.echo(err=True)


def print_out(shown: Shown) -> None:
    typer.echo(shown.text)
    raise typer.Exit(shown.exit_code)
