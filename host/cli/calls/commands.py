"""`python -m host calls`: list, show, purge, schema. Without one of these words it lists."""

from __future__ import annotations

import json
import shutil
import sys
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated

import typer
from typer.core import TyperGroup

from host.base.errors import HostError
from host.cli.app import AsJson
from host.cli.calls.detail import page
from host.cli.calls.table import table
from host.privacy import Pseudonyms
from host.records.filters import Wanted, read_number, read_since
from host.records.find import find
from host.records.log import CallLog
from host.records.outcome import Outcome
from host.records.schema import schema as schema_text
from host.server.retention import purge as purge_calls
from host.settings import load_settings


class _ListsByDefault(TyperGroup):
    """A group whose options alone mean its list."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = ["list", *args]
        return super().parse_args(ctx, args)


calls = typer.Typer(
    cls=_ListsByDefault,
    help="List the calls there were; show one; purge old ones.",
    rich_markup_mode=None,
)


@calls.command("list")
def list_calls(
    persona: Annotated[str | None, typer.Option(help="Only this persona's.")] = None,
    outcome: Annotated[Outcome | None, typer.Option(help="Only those that ended so.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Only those begun since: 30m, 2h, 1d ago, or 2026-11-23.")
    ] = None,
    number: Annotated[
        str | None, typer.Option(help="Only those with this number, or a part of it.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many, at most.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List calls, the newest first."""
    now, settings = datetime.now(UTC), load_settings()
    wanted = Wanted(
        persona=persona,
        outcome=outcome,
        since=read_since(since, now) if since else None,
        number=read_number(number) if number else None,
        pseudonyms=Pseudonyms(settings.state_dir),
    )
    log = CallLog(settings.call_log)
    fitting = filter(wanted.fits, log.newest_first(wanted.may_fit))
    records = list(islice(fitting, limit))
    if as_json:
        listed = [record.model_dump(mode="json") for record in records]
        typer.echo(json.dumps({"calls": listed}, indent=2))
    elif records:
        typer.echo(table(records, now, _width()))
    else:
        typer.echo(f"no calls in {log.file}" if wanted.anything else "no such calls")
    _warn(log)


@calls.command()
def show(
    call: Annotated[str, typer.Argument(help="Its id, the beginning of its id, or its room.")],
    as_json: AsJson = False,
) -> None:
    """Show all that is known of a call."""
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
            help="Older than this; else keep_records_days and keep_recordings_days.",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what would be removed.")
    ] = False,
) -> None:
    """Remove old records and recordings; a host may be running meanwhile."""
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
