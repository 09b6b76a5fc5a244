"""How the host logs: lines that a person reads, or JSON that a program does."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime


def log_to_terminal(*, verbose: bool = False) -> None:
    """Log lines that a person reads."""
    out = logging.StreamHandler(sys.stderr)
    out.setFormatter(logging.Formatter("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S"))
    if not verbose:
        out.addFilter(_matters)
    level = logging.DEBUG if verbose else logging.INFO
    logging.basicConfig(level=level, handlers=[out], force=True)


def log_as_json() -> None:
    """Log lines that a program reads: one JSON object each."""
    out = logging.StreamHandler(sys.stderr)
    out.setFormatter(_JsonLines())
    out.addFilter(_matters)
    logging.basicConfig(level=logging.INFO, handlers=[out], force=True)


def _matters(record: logging.LogRecord) -> bool:
    """Leave out what other people's code tells of its everyday work.

    A filter of the handler and no logger's level: calls log in processes of their own, and their
    records come to the handler alone.
    """
    if record.exc_text and isinstance(record.msg, str):
        # A record from a call's process has its traceback in the message, too.
        record.msg = record.msg.removesuffix(record.exc_text).rstrip()
    if record.name == "host" or record.name.startswith("host."):
        return True
    # LiveKit's SDK complains so each time that a room is left before its job ends.
    harmless = "Attempted to drop unknown FFI handle" in record.getMessage()
    return record.levelno >= logging.WARNING and not harmless


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **{key: getattr(record, key) for key in ("room", "persona") if hasattr(record, key)},
        }
        if record.exc_info or record.exc_text:
            trace = record.exc_text or self.formatException(record.exc_info)  # type: ignore[arg-type]
            line["trace"] = trace
        return json.dumps(line, default=str)
