"""The queue of campaigns: huey's, on SQLite, Redis or Postgres, as the settings say.

huey gives the queue, the schedule of retries, and its key-value store, whose writes "if empty" are
atomic: that is how hosts that share a queue claim rows and lines. What is stored is JSON, since
huey's own tasks are pickles, which anybody who may write to Redis could have run here.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

from huey.storage import BaseStorage, EmptyData
from pydantic import ValidationError

from host.base.errors import HostError, SettingsError
from host.dispatch.campaigns.model import Campaign, Row, Step
from host.dispatch.campaigns.storage import DATABASE, open_storage
from host.settings import Settings

AT_ONCE = 500
"""Keys that are read at once."""
MOST_OPEN = 8
"""Campaigns whose queues keep a connection: a Postgres has a hundred, for all hosts."""
GONE_AFTER = 60.0
"""Seconds without a sign after which a host counts as gone."""


class CampaignQueue:
    """The rows of one campaign: their queue, and how each stands."""

    def __init__(self, storage: BaseStorage) -> None:
        self._storage = storage

    def fill(self, rows: list[Row]) -> None:
        """Store new rows, and queue those that are to be called, in their order."""
        for row in rows:
            self.keep(row)
            if row.step is not Step.DONE:
                self._storage.enqueue(_bytes(row.line))
        self._storage.put_data("lines", json.dumps([row.line for row in rows]).encode())

    # The queue

    def take(self) -> int | None:
        """Take the next line from the queue; None if there is none."""
        taken = self._storage.dequeue()
        return None if taken is None else int(bytes(taken))

    def put_back(self, line: int, due: datetime | None = None) -> None:
        """Queue a line again, at once or at a time."""
        if due is None:
            self._storage.enqueue(_bytes(line))
        else:
            self._storage.add_to_schedule(_bytes(line), _local(due))

    def wake(self, now: datetime) -> None:
        """Queue the lines that are due by now."""
        for line in self._storage.read_schedule(_local(now)):
            self._storage.enqueue(bytes(line))

    def queued(self) -> set[int]:
        """Return all lines that are in the queue or wait for their time."""
        storage = self._storage
        return {int(bytes(e)) for e in (*storage.enqueued_items(), *storage.scheduled_items())}

    # Rows

    def keep(self, row: Row) -> None:
        """Store how a row stands."""
        self._storage.put_data(f"row:{row.line}", row.model_dump_json().encode())

    def row(self, line: int) -> Row | None:
        """Return a row; None if there is none."""
        return next(self.rows([line]), None)

    def lines(self) -> list[int]:
        """Return the lines of all rows."""
        found = self._storage.peek_data("lines")
        return [] if found is EmptyData else list(json.loads(bytes(found)))

    def rows(self, lines: list[int]) -> Iterator[Row]:
        """Yield rows in the order of their lines."""
        for _, stored in self.stored(lines):
            yield Row.model_validate_json(stored)

    def stored(self, lines: list[int]) -> Iterator[tuple[int, bytes]]:
        """Yield each line, and its row as it is stored: JSON."""
        for at in range(0, len(lines), AT_ONCE):
            some = lines[at : at + AT_ONCE]
            keys = [f"row:{line}" for line in some]
            found = {_text(key): value for key, value in self._storage.peek_many(keys).items()}
            for line, key in zip(some, keys, strict=True):
                if key in found:
                    yield line, bytes(found[key])

    # Claims of hosts

    def claim(self, key: str, host: str) -> bool:
        """Claim a key for a host: an attempt, a line, a moment. False if another one has it."""
        return bool(self._storage.put_if_empty(key, host.encode()))

    def holder(self, key: str) -> str | None:
        """Return the host that has claimed a key; None if none has."""
        found = self._storage.peek_data(key)
        return None if found is EmptyData else bytes(found).decode()

    def release(self, key: str) -> None:
        """Give a key up."""
        self._storage.delete_data(key)

    def count(self, key: str, amount: int = 1) -> int:
        """Add to a counter that all hosts share, and return it."""
        return int(self._storage.incr(key, amount))

    def close(self) -> None:
        """Close the connection; it is opened again if it is needed."""
        self._storage.close()

    def forget(self) -> None:
        """Delete everything."""
        self._storage.flush_all()


class Directory:
    """All campaigns of a queue, and the hosts that work on them."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._campaigns = open_storage(settings, "campaigns")
        self._hosts = open_storage(settings, "campaignhosts")
        self._queues: dict[str, CampaignQueue] = {}
        """Those that were used last, in this order."""
        self._choosing = threading.Lock()

    def close(self) -> None:
        """Close the connections. Whoever goes on opens them again."""
        with self._choosing:
            queues, self._queues = list(self._queues.values()), {}
        for each in (self._campaigns, self._hosts, *queues):
            each.close()

    def add(self, campaign: Campaign, rows: list[Row]) -> None:
        """Store a campaign with its rows: it begins once all of them are there."""
        self.queue(campaign.id).fill(rows)
        self.keep(campaign)

    def keep(self, campaign: Campaign) -> None:
        """Store how a campaign stands."""
        self._campaigns.put_data(campaign.id, campaign.model_dump_json().encode())

    def all(self) -> list[Campaign]:
        """Return all campaigns, newest first."""
        found = list[Campaign]()
        for stored in self._campaigns.result_items().values():
            with suppress(ValidationError):  # another version wrote it
                found.append(Campaign.model_validate_json(bytes(stored)))
        return sorted(found, key=lambda each: (each.made_at, each.id), reverse=True)

    def find(self, id: str) -> Campaign:
        """Return a campaign by its ID, or a beginning of it. Raises HostError."""
        found = [each for each in self.all() if id and each.id.startswith(id)]
        if len(found) == 1:
            return found[0]
        if exact := [each for each in found if each.id == id]:
            return exact[0]
        several = f"{id!r} may be {len(found)} campaigns"
        raise HostError(several if found else f"there is no campaign {id!r}")

    def read(self, id: str) -> Campaign | None:
        """Return a campaign by its whole ID; None if there is none."""
        return next((each for each in self.all() if each.id == id), None)

    def purge(self, before: datetime, *, dry_run: bool = False) -> int:
        """Delete the campaigns from before a time that are over; return their number."""
        over = [each for each in self.all() if each.made_at < before]
        over = [each for each in over if each.status in ("done", "stopped")]
        for campaign in () if dry_run else over:
            self._campaigns.delete_data(campaign.id)
            self.queue(campaign.id).forget()
        return len(over)

    def queue(self, id: str) -> CampaignQueue:
        """Return the queue of a campaign."""
        with self._choosing:
            queue = self._queues.pop(id, None)
            if queue is None:
                queue = CampaignQueue(open_storage(self._settings, f"campaign{id}"))
            self._queues[id] = queue  # the last one used
            if len(self._queues) > MOST_OPEN:
                self._queues.pop(next(iter(self._queues))).close()
        return queue

    def rows(self, campaign: Campaign) -> list[Row]:
        """Return all rows of a campaign."""
        queue = self.queue(campaign.id)
        return list(queue.rows(queue.lines()))

    def is_over(self, campaign: Campaign) -> bool:
        """Return whether no row of a campaign waits, and no call goes on."""
        return all(row.step is Step.DONE for row in self.rows(campaign))

    def show_sign(self, host: str) -> None:
        """Note that a host is alive."""
        self._hosts.put_data(host, str(time.time()).encode())

    def is_gone(self, host: str) -> bool:
        """Return whether a host has shown no sign for GONE_AFTER."""
        seen = self._hosts.peek_data(host)
        return seen is EmptyData or time.time() - float(bytes(seen)) > GONE_AFTER


def open_campaigns(settings: Settings) -> Directory:
    """Open the campaigns of a deployment. Raises SettingsError if the queue can't be used."""
    try:
        directory = Directory(settings)
        directory.all()
    except SettingsError:
        raise
    except Exception as error:  # each database's client has errors of its own
        raise SettingsError(f"campaign_queue: {type(error).__name__}: {error}") from error
    return directory


def exist(settings: Settings) -> bool:
    """Return whether there may be campaigns: a database of them, or a queue that others share."""
    return (
        bool(settings.campaign_queue.get_secret_value()) or (settings.state_dir / DATABASE).exists()
    )


def _bytes(line: int) -> bytes:
    return str(line).encode()


def _text(key: Any) -> str:
    return key.decode() if isinstance(key, bytes) else str(key)


def _local(at: datetime) -> datetime:
    """Return a time as huey's storages expect it: of the local zone, and without saying so."""
    return at.astimezone().replace(tzinfo=None)
