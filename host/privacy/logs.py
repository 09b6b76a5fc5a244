"""How the host logs: lines that a person reads, or JSON that a program does.

No line has a number, a key, a secret or a word of a call, unless the settings open them by name.
What a process prints goes the same way, its last words included.
"""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from types import TracebackType

from host import privacy as private
from host.base.text import escape
from host.settings import Settings

_ERRORS = logging.getLogger("host")
_OUR_OWN = ("host", "livekit", "asyncio", "py.warnings")
"""Loggers whose details hold no word of a call in their text; what others tell of theirs, as the
models' clients tell of each request, is for `log_transcripts` alone."""


def log_to_terminal(*, verbose: bool = False) -> None:
    """Log lines that a person reads."""
    out = logging.StreamHandler(sys.stderr)
    out.setFormatter(Masked("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S"))
    out.addFilter(_tells_no_words if verbose else _matters)
    _log(out, logging.DEBUG if verbose else logging.INFO)


def log_as_json() -> None:
    """Log lines that a program reads: one JSON object each."""
    out = logging.StreamHandler(sys.stderr)
    out.setFormatter(_JsonLines())
    out.addFilter(_matters)
    _log(out, logging.INFO)


def keep_private(settings: Settings) -> None:
    """Keep out of what this process tells all that the settings do not open."""
    private.use(
        private.Mask(
            private.secrets_of(settings),
            numbers=not settings.log_numbers,
            digits=not settings.log_digits,
            words=not settings.log_transcripts,
        )
    )


def keep_private_in_call(settings: Settings) -> None:
    """Do the same in a call's process, whose records go to the parent as they are formatted here.

    LiveKit has put its handler on the root logger by then.
    """
    keep_private(settings)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(Masked())
    mask_what_is_printed()


def keep_call_out(
    said: Callable[[], Iterable[str]], pressed: Callable[[], Iterable[str]] = tuple
) -> None:
    """Keep out what was said and pressed in the call of this process, whatever may quote it."""
    private.keep_out(said, pressed)


def _log(out: logging.Handler, level: int) -> None:
    logging.basicConfig(level=level, handlers=[out], force=True)
    mask_what_is_printed()


def mask_what_is_printed() -> None:
    """Send what Python prints through the mask, and what nobody caught into the log."""
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


def _tells_no_words(record: logging.LogRecord) -> bool:
    """Leave out details in which other people's code may quote a call."""
    if record.levelno >= logging.INFO or not private.current().words:
        return True
    return record.name.partition(".")[0] in _OUR_OWN


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
    return record.levelno >= logging.WARNING and not _harmless(record)


def _harmless(record: logging.LogRecord) -> bool:
    """Know what LiveKit's SDK complains of each time that a room is left before its job ends.

    What is no text is not asked for any: whoever logs is not to hear of an object that has none.
    """
    parts = (record.msg, *(record.args or ()))
    texts = [part for part in parts if isinstance(part, str)]
    return any("Attempted to drop unknown FFI handle" in text for text in texts)


class Masked(logging.Formatter):
    """Text as ever, without what is private, or what a terminal would take for orders."""

    def format(self, record: logging.LogRecord) -> str:
        text = escape(private.mask(super().format(record)))
        if record.exc_text:  # it was cached on the way, and may travel to another process
            record.exc_text = private.mask(record.exc_text)
        return text


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
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
