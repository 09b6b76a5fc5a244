"""Purges everything that is stored about calls."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from host.base.database import NAME
from host.dispatch.campaigns import open_campaigns
from host.dispatch.campaigns.queue import exist
from host.dispatch.campaigns.storage import DATABASE
from host.dispatch.idempotency import Requests
from host.server.api.store import CallStore
from host.server.retention import database, files, log_file
from host.settings import Settings

LONGEST_WRITING = timedelta(hours=1)
"""Age at which a temporary file counts as abandoned: writing takes seconds."""


@dataclass
class Purged:
    """Number of deleted items by location, and errors."""

    removed: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Format as `12 from calls.jsonl, 3 from recordings`."""
        parts = [f"{number} from {where}" for where, number in self.removed.items() if number]
        return ", ".join(parts) or "nothing"


def purge(
    settings: Settings, now: datetime, *, days: float | None = None, dry_run: bool = False
) -> Purged:
    """Delete what is older than the settings' days, or `days`; `dry_run` only counts.

    Also deletes, whatever the days: placed requests after a day or a week, and temporary files of
    killed processes. Safe while a host or another purge runs. An error in one location does not
    stop the others.
    """
    purged = Purged()
    if (kept := settings.keep_records_days if days is None else days) is not None:
        _purge_records(settings, now - timedelta(days=kept), purged, dry_run=dry_run)
    if (kept := settings.keep_recordings_days if days is None else days) is not None:
        before = now - timedelta(days=kept)
        folder, live = settings.recordings_dir, files.live_calls(settings.state_dir)
        with _collecting_faults(purged, folder):
            removed = files.purge_recordings(folder, before, live=live, dry_run=dry_run)
            purged.removed[str(folder)] = removed
    if not dry_run:
        _clear_up(settings, now, purged)
    return purged


def _purge_records(settings: Settings, before: datetime, purged: Purged, *, dry_run: bool) -> None:
    log, db, state = settings.call_log, settings.call_database, settings.state_dir
    with _collecting_faults(purged, log):
        purged.removed[str(log)] = log_file.purge_log(log, before, dry_run=dry_run)
    if db is not None:
        with _collecting_faults(purged, db):
            purged.removed[str(db)] = database.purge_database(db, before, dry_run=dry_run)
            if not dry_run:
                database.overwrite(db)
    with _collecting_faults(purged, state / DATABASE):
        if exist(settings):
            directory = open_campaigns(settings)
            removed = directory.purge(before, dry_run=dry_run)
            directory.close()
            purged.removed["campaigns"] = removed
    with _collecting_faults(purged, state):
        purged.removed[str(state)] = files.purge_state(state, before, dry_run=dry_run)
        if not dry_run:
            CallStore(state).forget_results(before)


def _clear_up(settings: Settings, now: datetime, purged: Purged) -> None:
    log, state = settings.call_log, settings.state_dir
    with _collecting_faults(purged, log):
        log_file.remove_leftovers(log)
    with _collecting_faults(purged, state):
        files.remove_halves(state, now - LONGEST_WRITING)
    for asked in (Requests(state), CallStore(state)):
        with _collecting_faults(purged, state / NAME):
            asked.forget()


@contextlib.contextmanager
def _collecting_faults(purged: Purged, where: Path) -> Iterator[None]:
    """Collect errors of one location, so that the others are still purged."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        purged.faults.append(f"{where}: {error}")
    except Exception as error:  # whatever is wrong here, the other locations are still due
        purged.faults.append(f"{where}: {type(error).__name__}: {error}")
