"""`hangup`: end a live call."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from typing import TYPE_CHECKING, Annotated

import typer

from host.base.errors import HostError
from host.cli.app import cli
from host.cli.running import of_the_local_extra
from host.registry import read_settings

if TYPE_CHECKING:
    from host.settings import Settings

OVER_LIMIT = 10.0
"""Seconds that a call may take to end, in addition to its goodbye."""


@cli.command()
def hangup(
    call: Annotated[
        str,
        typer.Argument(help="ID of the call, a prefix of the ID, its ID in the API, or its room."),
    ],
    goodbye: Annotated[str, typer.Option(help="Words to say before the call is hung up.")] = "",
    local: Annotated[
        bool, typer.Option("--local", help="Use the exchange of a running `dev --local`.")
    ] = False,
) -> None:
    """Hang up a live call, at once or after a goodbye.

    A scheduled call is cancelled by its ID. `calls --live` lists the calls of this deployment; the
    room or the whole ID of a call also finds those of its other hosts.
    """
    from host.dispatch.hangup import LONGEST_GOODBYE

    if len(goodbye) > LONGEST_GOODBYE:
        raise HostError(f"--goodbye has more than {LONGEST_GOODBYE} characters")
    settings = read_settings()
    if cancel(settings, call):
        typer.echo("cancelled")
        return
    known = find(settings, call)
    if local:
        with of_the_local_extra():
            from host.local.world import running_world

        os.environ.update(running_world()[0])
        settings = read_settings()
        known = known or find(settings, call)
    asyncio.run(end(settings, known, call, goodbye))
    typer.echo("hung up")


def cancel(settings: Settings, named: str) -> bool:
    """Cancel a scheduled call; the host records it. False if none has this ID, or it is placed."""
    from host.call.schedule import Schedule
    from host.dispatch import hangup as order

    reason = order.reason("with host hangup", answered=False)
    try:
        return Schedule(settings.state_dir).cancel(named, reason)
    except (OSError, sqlite3.Error) as error:
        raise HostError(f"can't look up scheduled calls: {error}") from error


def find(settings: Settings, named: str) -> tuple[str, str] | None:
    """Return the room and id of a call that this deployment's files know; the id may be unknown.

    Raises HostError if it may be several.
    """
    from host.server.api.store import room_of_request
    from host.server.live_calls import LiveCalls

    live = LiveCalls(settings).read().live
    found = [call for call in live if named in (call.id, call.room, call.livekit_room)] or [
        call for call in live if named and call.id.startswith(named)
    ]
    match found:
        case []:
            room = room_of_request(settings.state_dir, named)
            return (room, "") if room else None
        case [one]:
            return one.livekit_room, one.id
        case several:
            ids = ", ".join(call.id for call in several[:5])
            more = ", ..." if len(several) > 5 else ""
            raise HostError(f"{named!r} may be {len(several)} calls: {ids}{more}")


async def end(settings: Settings, known: tuple[str, str] | None, named: str, goodbye: str) -> None:
    """Order a call to hang up, and wait until it has. Raises HostError.

    `known` is its room and id as `find` returns them; None: LiveKit is asked for `named`.
    """
    from host.dispatch import hangup as order
    from host.dispatch.livekit import livekit_api

    async with livekit_api(settings) as livekit:
        room, id = known or await order.room_of(livekit, named)
        await order.hang_up(livekit, settings, room, "with host hangup", goodbye, call=id)
        limit = OVER_LIMIT + order.longest(goodbye)
        try:
            await asyncio.wait_for(order.until_over(livekit, room, id), limit)
        except TimeoutError:
            raise HostError(
                f"the call is told to hang up, and goes on after {limit:.0f} s"
            ) from None
