"""Writes one JSON line for every call, in every ending."""

import fcntl
import os
from typing import Any

from host import Call, hookimpl


@hookimpl
async def call_ended(call: Call, record: Any) -> None:
    """Append the record to the call log. Only its owner may read it: it holds the transcript."""
    line = record.model_dump_json() + "\n"
    file = os.open(call.settings.call_log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX)  # calls end in processes of their own
        os.fchmod(file, 0o600)
        with os.fdopen(file, "a", encoding="utf-8", closefd=False) as log:
            log.write(line)
    finally:
        os.close(file)
