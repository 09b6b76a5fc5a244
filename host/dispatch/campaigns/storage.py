"""Where the queue of campaigns is: on SQLite, Redis or Postgres, as the settings say."""

from __future__ import annotations

import os
from contextlib import suppress

from huey.storage import BaseStorage, PostgresStorage, RedisStorage, SqliteStorage

from host.base.errors import SettingsError
from host.settings import Settings

DATABASE = "campaigns.db"


def open_storage(settings: Settings, name: str) -> BaseStorage:
    """Open one of huey's storages. Raises SettingsError, or what the database's client raises.

    None of them waits for a row: a host looks at all campaigns in turn.
    """
    url = settings.campaign_queue.get_secret_value()
    scheme = url.partition(":")[0]
    if scheme in ("redis", "rediss", "unix"):
        return RedisStorage(name, url=url, blocking=False)
    if scheme in ("postgres", "postgresql"):
        return PostgresStorage(name, dsn=url, blocking=False)
    if url:
        raise SettingsError(
            "campaign_queue must begin with redis://, rediss://, unix:// or postgresql://"
        )
    state = settings.state_dir
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    with suppress(FileExistsError):
        os.close(os.open(state / DATABASE, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    return SqliteStorage(name, filename=str(state / DATABASE), strict_fifo=True, fsync=True)
