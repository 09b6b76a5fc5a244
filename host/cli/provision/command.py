"""`provision`: make LiveKit's trunks and dispatch rule what host.toml says."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from host import registry
from host.base.errors import LiveKitError, SettingsError
from host.cli.app import AsJson, cli
from host.settings import Settings

if TYPE_CHECKING:
    from host.cli.provision.session import Session

DIFFERS = 2
"""Exit code of --check if LiveKit is not as host.toml says."""


@cli.command()
def provision(
    apply: Annotated[
        bool, typer.Option("--apply", help="Show the differences, and make the changes.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Exit with 2 if there are differences, for CI.")
    ] = False,
    export: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Write JSON files for `lk sip ... create`, without LiveKit."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show how LiveKit's SIP trunks and dispatch rule differ from host.toml, or make them alike.

    Only what this command has made is changed or deleted. The exit code is 1 if something stands in
    the way, such as a number in a trunk that others have made.
    """
    if apply + check + (export is not None) > 1:
        raise typer.BadParameter("--apply, --check and --export exclude each other")
    settings = registry.read_settings()
    if not settings.config.is_file():
        raise SettingsError(f"{settings.config} is not there: LiveKit is compared with it")
    if export is not None:
        _export(settings, export, as_json=as_json)
    else:
        asyncio.run(_provision(settings, apply=apply, check=check, as_json=as_json))


def _export(settings: Settings, folder: Path, *, as_json: bool) -> None:
    from host.cli.provision import show
    from host.cli.provision.clashes import faults_of_settings
    from host.cli.provision.export import export
    from host.cli.provision.wanted import wanted_of

    loaded = registry.load(settings)
    wanted = wanted_of(settings, loaded)
    _stop_at(list(faults_of_settings(settings, loaded, wanted)))
    typer.echo(show.exported(export(wanted, folder), as_json=as_json))


async def _provision(settings: Settings, *, apply: bool, check: bool, as_json: bool) -> None:
    from host.cli.provision import show
    from host.cli.provision.session import Session
    from host.dispatch.livekit import livekit_api

    async with livekit_api(settings) as livekit:
        session = Session(settings, registry.load(settings), livekit)
        await session.read()
        if not as_json:
            colours = show.wants_colours(sys.stdout, os.environ)
            blocked = bool(session.faults)
            told = show.plan(session.changes, session.warnings, blocked=blocked, colours=colours)
            typer.echo(told)
        planned, faults, applied = session.changes, session.faults, None
        if apply and not faults:
            applied = await _apply(session, quiet=as_json)
        if as_json:
            typer.echo(
                show.plan_json(settings.agent_name, planned, session.warnings, faults, applied)
            )
    _stop_at(faults)
    if check and planned:
        raise typer.Exit(DIFFERS)


async def _apply(session: Session, *, quiet: bool) -> list[str]:
    """Make the changes, and look whether LiveKit has kept them; return the IDs."""
    from host.cli.provision import show
    from host.cli.provision.apply import apply
    from host.cli.provision.plan import Change

    ids: list[str] = []

    def tell(change: Change, made: str) -> None:
        ids.append(made)
        if not quiet:
            typer.echo(show.done(change, made))

    if not session.changes:
        return ids
    before = session.warnings
    await apply(session.livekit, session.changes, tell)
    await session.read()
    if left := session.changes:
        lost = ", ".join(each.field for change in left for each in change.differences)
        raise LiveKitError(f"LiveKit has not kept what was written: {lost or left[0].kind}")
    if not quiet:
        for warning in session.warnings:
            if warning not in before:
                typer.echo(f"! {warning}")
    return ids


def _stop_at(faults: list[str]) -> None:
    """Name each fault in a line, and exit with 1 if there are any."""
    for fault in faults:
        typer.echo(f"host: {fault}", err=True)
    if faults:
        raise typer.Exit(1)
