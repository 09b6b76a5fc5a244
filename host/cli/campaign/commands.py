"""`campaign`: start, list, show, pause, resume and stop campaigns, and their results."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from host import registry
from host.base.errors import HostError
from host.cli.app import AsJson, moment
from host.cli.layout import aligned, printable
from host.registry import read_settings
from host.settings import Settings

if TYPE_CHECKING:
    from host.dispatch.campaigns import Directory
    from host.dispatch.campaigns.control import Change

campaign = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Call the numbers of a file."
)

Id = Annotated[str, typer.Argument(help="ID of the campaign, or its beginning.")]


@campaign.command()
def start(
    file: Annotated[
        Path, typer.Argument(help="CSV file: a column `number`, and others for the details.")
    ],
    persona: Annotated[str, typer.Option(help="Persona that places the calls.")],
    at: Annotated[
        datetime | None,
        typer.Option(parser=moment, metavar="TIME", help="When it begins, in ISO 8601."),
    ] = None,
    calls_at_once: Annotated[
        int, typer.Option(min=1, max=100, help="Calls at the same time, of all hosts.")
    ] = 1,
    per_minute: Annotated[
        float, typer.Option(min=0.01, max=600, help="Calls that begin in a minute.")
    ] = 10,
    tries: Annotated[int, typer.Option(min=1, max=10, help="Calls of a number at most.")] = 3,
    spacing: Annotated[
        float, typer.Option(min=1, max=7 * 24 * 60, help="Minutes between them at least.")
    ] = 60,
    caller_id: Annotated[
        str | None, typer.Option("--caller-id", help="Number that the callees see.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check all rows of a file, and have the running hosts call them.

    Nothing is dialled if one row is wrong; each is reported by its line. Rows that the gate forbids
    are named, and left.
    """
    from host.base.clock import now
    from host.cli import checks, persona_names
    from host.compliance import Gate
    from host.dispatch.campaigns import control, open_campaigns
    from host.dispatch.campaigns.rows import check_rows, leave_forbidden, read_rows

    settings = read_settings()
    persona_names.require_persona(settings, persona)
    caller_id = caller_id and checks.number_as_written(caller_id)
    begins = at and at.astimezone()
    if begins and begins < now():
        raise HostError("--at is in the past")
    rows, faults = read_rows(_read(file))
    faults += check_rows(rows, _checker(settings, persona, caller_id))
    if faults:
        for fault in sorted(faults)[:50]:
            typer.echo(f"{file.name}: {printable(str(fault))}", err=True)
        raise HostError(f"{len(faults)} faults in {file.name}: nothing is dialled")
    left = leave_forbidden(rows, Gate(settings, settings.persona(persona)), caller_id)
    for row in left:
        typer.echo(f"{file.name}: line {row.line}: left: {row.note}", err=True)
    directory = open_campaigns(settings)
    made = control.start(
        directory,
        rows,
        name=file.name,
        persona=persona,
        caller_id=caller_id,
        not_before=begins,
        calls_at_once=calls_at_once,
        per_minute=per_minute,
        tries=tries,
        spacing=spacing * 60,
    )
    if as_json:
        typer.echo(json.dumps(control.described(directory, made), indent=2))
    else:
        typer.echo(f"campaign {made.id}: {len(rows) - len(left)} rows to call, {len(left)} left")


@campaign.command("list")
def list_campaigns(as_json: AsJson = False) -> None:
    """List campaigns, newest first."""
    from host.dispatch.campaigns import control

    directory = _directory()
    told = [control.described(directory, each) for each in directory.all()] if directory else []
    if as_json:
        typer.echo(json.dumps({"campaigns": told}, indent=2))
    elif told:
        typer.echo("\n".join(aligned([_HEAD, *map(_line, told)])))
    else:
        typer.echo("no campaigns")


@campaign.command()
def show(id: Id, as_json: AsJson = False) -> None:
    """Show a campaign, and how its rows stand."""
    _show(None, id, as_json=as_json)


@campaign.command()
def pause(id: Id, as_json: AsJson = False) -> None:
    """Place no further calls of a campaign, until it is resumed. Live calls go on."""
    _show("pause", id, as_json=as_json)


@campaign.command()
def resume(id: Id, as_json: AsJson = False) -> None:
    """Go on with a paused campaign."""
    _show("resume", id, as_json=as_json)


@campaign.command()
def stop(id: Id, as_json: AsJson = False) -> None:
    """End a campaign for good. Live calls go on."""
    _show("stop", id, as_json=as_json)


@campaign.command()
def results(id: Id, as_json: AsJson = False) -> None:
    """Print each row as CSV, with its outcome, its record's ID and its results."""
    from host.dispatch.campaigns import control

    directory = _require_directory()
    told = control.results(directory.rows(directory.find(id)))
    if as_json:
        typer.echo(json.dumps({"rows": told}, indent=2))
    else:
        typer.echo(control.as_csv(told), nl=False)


_HEAD = ("campaign", "file", "persona", "status", "rows", "done", "calls", "outcomes")


def _line(told: Mapping[str, Any]) -> tuple[str, ...]:
    outcomes = ", ".join(f"{count} {name}" for name, count in sorted(told["outcomes"].items()))
    status = f"{told['status']}: {told['reason']}" if told["reason"] else told["status"]
    counts = (str(told[name]) for name in ("rows", "done", "calls"))
    facts = (told["id"], printable(told["name"]), told["persona"], printable(status))
    return (*facts, *counts, outcomes or "-")


def _show(what: Change | None, id: str, *, as_json: bool) -> None:
    from host.dispatch.campaigns import control

    directory = _require_directory()
    found = control.change(directory, id, what) if what else directory.find(id)
    told = control.described(directory, found)
    if as_json:
        typer.echo(json.dumps(told, indent=2))
    else:
        typer.echo("\n".join(aligned([_HEAD, _line(told)])))


def _directory() -> Directory | None:
    from host.dispatch.campaigns import open_campaigns
    from host.dispatch.campaigns.queue import exist

    settings = read_settings()
    return open_campaigns(settings) if exist(settings) else None


def _require_directory() -> Directory:
    directory = _directory()
    if directory is None:
        raise HostError("there are no campaigns")
    return directory


def _read(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except UnicodeDecodeError:
        raise HostError(f"{file} is not in UTF-8") from None
    except OSError as error:
        raise HostError(f"{file}: {error.strerror}") from None


def _checker(settings: Settings, persona: str, caller_id: str | None) -> Any:
    """Return what checks a row as its call will be checked."""
    from host.call.dispatch import read_dispatch
    from host.dispatch.details import parse_details
    from host.dispatch.request import encode_metadata

    view = registry.load(settings).require().view(persona)

    def check(number: str, details: dict[str, Any], reference: str | None) -> None:
        text = encode_metadata(persona, number, details, "campaign", reference, caller_id=caller_id)
        parse_details(view, read_dispatch(text).metadata)

    return check
