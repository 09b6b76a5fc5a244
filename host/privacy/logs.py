"""Logging of the host: lines for a terminal, or JSON.

No line contains a number, a key, a secret or speech, unless a setting allows it by name. Printed
output and uncaught exceptions are masked too.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType

from host import privacy as private
from host.base.text import escape
from host.settings import Settings

_ERRORS = logging.getLogger("host")
_OUR_OWN = ("host", "livekit", "asyncio", "py.warnings")
"""Loggers whose debug lines never quote a call; those of others, as of the models' clients, are
logged with `log_transcripts` only."""


def log_to_terminal(*, verbose: bool = False) -> None:
    """Log lines for a terminal to stderr."""
    out = logging.StreamHandler(sys.stderr)
    out.setFormatter(Masked("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S"))
    out.addFilter(_quotes_no_call if verbose else _matters)
    _log(out, logging.DEBUG if verbose else logging.INFO)


def log_as_json() -> None:
    """Log one JSON object a line to stderr."""
    out = logging.StreamHandler(sys.stderr)
    out.setFormatter(_JsonLines())
    out.addFilter(_matters)
    _log(out, logging.INFO)


def keep_private(settings: Settings) -> None:
    """Mask in this process's output everything that the settings do not allow."""
    private.use(
        private.Mask(
            private.secrets_of(settings),
            numbers=not settings.log_numbers,
            digits=not settings.log_digits,
            words=not settings.log_transcripts,
        )
    )


def keep_private_in_call(settings: Settings) -> None:
    """Do the same in a call's process, which formats the log records it sends to the parent.

    LiveKit has already installed its handler on the root logger.
    """
    keep_private(settings)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(Masked())
    mask_what_is_printed()


def _log(out: logging.Handler, level: int) -> None:
    logging.basicConfig(level=level, handlers=[out], force=True)
    mask_what_is_printed()


def mask_what_is_printed() -> None:
    """Mask what Python prints, and log warnings and uncaught exceptions."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if not isinstance(stream, private.MaskedStream):
            setattr(sys, name, private.MaskedStream(stream, private.mask))
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread
    logging.captureWarnings(True)


def _uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if not issubclass(kind, Exception):  # Ctrl-C
        sys.__excepthook__(kind, error, trace)
        return
    _ERRORS.critical("uncaught exception", exc_info=(kind, error, trace))


def _uncaught_in_thread(hook: threading.ExceptHookArgs) -> None:
    if hook.exc_value is not None:
        name = hook.thread.name if hook.thread else "gone"
        trace = (hook.exc_type, hook.exc_value, hook.exc_traceback)
        _ERRORS.error("uncaught exception in thread %s", name, exc_info=trace)


def _quotes_no_call(record: logging.LogRecord) -> bool:
    """Drop debug lines in which third-party code may quote a call."""
    if record.levelno >= logging.INFO or not private.current().words:
        return True
    return record.name.partition(".")[0] in _OUR_OWN


def _matters(record: logging.LogRecord) -> bool:
    """Drop third-party lines below WARNING.

    It filters on the handler, not on a logger, because records of calls arrive from other
    processes at the handler only.
    """
    if record.exc_text and isinstance(record.msg, str):
        # A record from a call's process has the traceback in its message too.
        record.msg = record.msg.removesuffix(record.exc_text).rstrip()
    if record.name == "host" or record.name.startswith("host."):
        return True
    return record.levelno >= logging.WARNING and not _harmless(record)


def _harmless(record: logging.LogRecord) -> bool:
    """Return whether it is an SDK error logged whenever a room is left before its job ends.

    Only strings are inspected: `str` of another object may raise.
    """
    parts = (record.msg, *(record.args or ()))
    texts = [part for part in parts if isinstance(part, str)]
    return any("Attempted to drop unknown FFI handle" in text for text in texts)


class Masked(logging.Formatter):
    """Formats text with private data masked and terminal escapes escaped."""

    def format(self, record: logging.LogRecord) -> str:
        text = escape(private.mask(super().format(record)))
        if record.exc_text:  # cached by the formatter, and may be sent to another process
            record.exc_text = private.mask(record.exc_text)
        return text


class _JsonLines(logging.Formatter):
    """One JSON object per record. Not python-json-logger's, which also writes what `extra` holds:
    only these fields are known to be masked."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": private.mask(record.name),
            "message": private.mask(record.getMessage()),
            **{
                key: private.mask(str(getattr(record, key)))
                for key in ("room", "persona")
                if hasattr(record, key)
            },
        }
        if record.exc_info or record.exc_text:
            trace = record.exc_text or self.formatException(record.exc_info)  # type: ignore[arg-type]
            line["trace"] = private.mask(trace)
        return json.dumps(line, default=str)
