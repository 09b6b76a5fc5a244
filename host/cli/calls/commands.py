"""`python -m host calls`: list (the default), show, purge, schema."""

from __future__ import annotations

import json
import shutil
import sys
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated

import typer

from host.base.errors import HostError
from host.cli import persona_names
from host.cli.app import AsJson
from host.cli.calls.detail import page
from host.cli.calls.live import live_calls
from host.cli.calls.scheduled import scheduled_calls
from host.cli.calls.table import table
from host.privacy import Pseudonyms
from host.records.filters import Wanted, read_number, read_since
from host.records.find import find
from host.records.log import CallLog
from host.records.outcome import Outcome
from host.records.schema import schema as schema_text
from host.server.retention import purge as purge_calls
from host.settings import Settings, load_settings

calls = typer.Typer(invoke_without_command=True, rich_markup_mode=None)

OfPersona = Annotated[str | None, typer.Option("--persona", help="Only calls of this persona.")]
Ended = Annotated[Outcome | None, typer.Option("--outcome", help="Only calls with this outcome.")]
Since = Annotated[
    str | None,
    typer.Option("--since", help="Only calls since then: 30m, 2h or 1d ago, or 2026-11-23."),
]
WithNumber = Annotated[
    str | None, typer.Option("--number", help="Only calls with this number, or a part of it.")
]
WithReference = Annotated[
    str | None, typer.Option("--reference", help="Only calls with this reference.")
]
Live = Annotated[bool, typer.Option("--live", help="Only calls that are going on now.")]
AreScheduled = Annotated[
    bool, typer.Option("--scheduled", help="Only calls that wait for their time.")
]
Limit = Annotated[int, typer.Option("--limit", min=1, help="Maximum number of calls.")]


@calls.callback()
def list_by_default(
    context: typer.Context,
    persona: OfPersona = None,
    outcome: Ended = None,
    since: Since = None,
    number: WithNumber = None,
    reference: WithReference = None,
    live: Live = False,
    scheduled: AreScheduled = False,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List calls, show one, or purge old ones."""
    wanted = (persona, outcome, since, number, reference, live, scheduled, limit, as_json)
    if context.invoked_subcommand is None:
        list_calls(*wanted)
    elif wanted != (None, None, None, None, None, False, False, 20, False):
        command = context.invoked_subcommand
        raise HostError(f"options of `calls {command}` stand behind it, and not before")


@calls.command("list")
def list_calls(
    persona: OfPersona = None,
    outcome: Ended = None,
    since: Since = None,
    number: WithNumber = None,
    reference: WithReference = None,
    live: Live = False,
    scheduled: AreScheduled = False,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List calls from the call log, newest first, or those that go on now, or are scheduled."""
    now, settings = datetime.now(UTC), load_settings()
    wanted = Wanted(
        persona=persona,
        outcome=outcome,
        since=read_since(since, now) if since else None,
        number=read_number(number) if number else None,
        reference=reference,
        pseudonyms=Pseudonyms(settings.state_dir),
    )
    if live and scheduled:
        raise HostError("--live and --scheduled exclude each other")
    if live or scheduled:
        if persona is not None:
            persona_names.require_persona(settings, persona)
        list_those = live_calls if live else scheduled_calls
        typer.echo(list_those(settings, wanted, limit, now, as_json=as_json, width=_width()))
        return
    log = CallLog(settings.call_log)
    fitting = filter(wanted.fits, log.newest_first(wanted.may_fit))
    records = list(islice(fitting, limit))
    if persona is not None and not records:
        _require_called(settings, persona)
    if as_json:
        listed = [record.model_dump(mode="json") for record in records]
        typer.echo(json.dumps({"calls": listed}, indent=2))
    elif records:
        typer.echo(table(records, now, _width()))
    else:
        typer.echo(f"no calls in {log.file}" if wanted.anything else "no such calls")
    _warn(log)


def _require_called(settings: Settings, persona: str) -> None:
    """Raise PersonaError for one that no call was of, and that is not there either."""
    log = CallLog(settings.call_log)
    theirs = Wanted(persona=persona)
    if not any(map(theirs.fits, log.newest_first(theirs.may_fit))):
        persona_names.require_persona(settings, persona)


@calls.command()
def show(
    call: Annotated[str, typer.Argument(help="ID of the call, a prefix of the ID, or the room.")],
    as_json: AsJson = False,
) -> None:
    """Show the record of one call."""
    log = CallLog(load_settings().call_log)
    record = find(log, call)
    typer.echo(record.model_dump_json(indent=2) if as_json else page(record, _width()))
    _warn(log)


@calls.command()
def purge(
    days: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=36500,
            help="Minimum age in days; default: keep_records_days, keep_recordings_days.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Report what would be removed, and remove nothing.")
    ] = False,
) -> None:
    """Remove old records and recordings, even while a host is running."""
    settings = load_settings()
    if days is settings.keep_records_days is settings.keep_recordings_days is None:
        raise HostError(
            "nothing says what is old: give --days, or set keep_records_days, keep_recordings_days"
        )
    purged = purge_calls(settings, datetime.now(UTC), days=days, dry_run=dry_run)
    typer.echo(f"{'would remove' if dry_run else 'removed'} {purged}")
    if purged.faults:
        raise HostError("; ".join(purged.faults))


@calls.command()
def schema() -> None:
    """Print the JSON schema of a call record."""
    typer.echo(schema_text())


def _width() -> int | None:
    """Columns of the terminal; None where the output goes elsewhere."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _warn(log: CallLog) -> None:
    if log.warning:
        typer.echo(f"host: {log.warning}", err=True)
