"""Asks a persona whether the details of a call will do, in a process that can be killed.

`parse_metadata` is the persona's code, and meets what strangers send. In a thread of the host, a
pattern that takes minutes over one text would hold Python's lock, and every call with it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import multiprocessing
import signal
import traceback
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from pydantic import ValidationError

from host import registry
from host.call.dispatch import read_dispatch
from host.privacy.logs import keep_private, mask_what_is_printed
from host.registry import Registry
from host.server.api.schemas import Fault
from host.settings import Settings

log = logging.getLogger("host")

LIMIT = 3.0
"""Seconds that a persona may take over the details of one call."""
START_LIMIT = 15.0
"""Seconds that the process may take to have personas and plugins."""
MOST = 50
"""Faults that are told of one request."""
PLACES = {"persona": "persona", "phone_number": "number", "idempotency_key": "idempotency_key"}
"""Metadata that is not among the details -> its place in a request's body."""

# LiveKit's forkserver, which calls come from: it has personas and plugins imported already.
_CONTEXT = multiprocessing.get_context("forkserver")


class Unready(Exception):
    """The details can't be checked now, whatever they are."""


@dataclass(frozen=True)
class _Child:
    process: BaseProcess
    pipe: Connection


class DetailsValidator:
    """Checks the details of one call at a time. A process that takes too long is replaced."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._one = ThreadPoolExecutor(1, "details")
        self._child: _Child | None = None

    async def faults(self, metadata: str) -> list[Fault]:
        """Say what the persona finds wrong with a call's metadata. Raises Unready."""
        return await asyncio.get_running_loop().run_in_executor(self._one, self._ask, metadata)

    async def close(self) -> None:
        """End the process."""
        await asyncio.get_running_loop().run_in_executor(self._one, self._end)
        self._one.shutdown(wait=False)

    def _ask(self, metadata: str) -> list[Fault]:
        child = self._ready()
        faults: list[Fault] | None = None
        trouble = "its process died"
        with contextlib.suppress(EOFError, OSError):
            child.pipe.send(metadata)
            if child.pipe.poll(LIMIT):
                faults, trouble = child.pipe.recv()
            else:
                trouble = f"it took longer than {LIMIT:.0f} s"
        if trouble:
            log.error("parse_metadata of %s: %s", read_dispatch(metadata).persona, trouble)
        if faults is None:
            self._end()
            return [_fault(f"the persona failed to validate them: {trouble}", "details_unchecked")]
        return faults

    def _ready(self) -> _Child:
        """Give the process; one that has died since its last answer is replaced. Raises Unready."""
        if self._child and not self._child.process.is_alive():
            log.warning("the details validator died, starting another one")
            self._end()
        try:
            return self._child or self._start()
        except (EOFError, OSError) as error:
            log.error("can't start the details validator: %r", error)
            self._end()
            raise Unready from error

    def _start(self) -> _Child:
        pipe, theirs = _CONTEXT.Pipe()
        process = _CONTEXT.Process(
            target=_answer, args=(theirs, self._settings), name="details", daemon=True
        )
        process.start()
        theirs.close()
        self._child = _Child(process, pipe)
        if not pipe.poll(START_LIMIT):
            raise EOFError
        pipe.recv()
        return self._child

    def _end(self) -> None:
        if self._child:
            self._child.process.kill()
            self._child.process.join()
            self._child.process.close()
            self._child.pipe.close()
            self._child = None


def _answer(pipe: Connection, settings: Settings) -> None:
    """Answer what is asked through a pipe, until its other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the host's business
    keep_private(settings)
    mask_what_is_printed()
    logging.disable(logging.CRITICAL)  # nothing here passes the host's own filters
    loaded = registry.load(settings)
    with contextlib.suppress(EOFError, OSError):
        pipe.send("ready")
        while True:
            pipe.send(_check(loaded, pipe.recv()))


def _check(loaded: Registry, metadata: str) -> tuple[list[Fault], str]:
    """Say what is wrong with the metadata, and for the log what is wrong with the persona."""
    try:
        dispatch = read_dispatch(metadata)
        loaded.view(str(dispatch.persona)).parse_metadata(metadata=dispatch.metadata)
    except ValidationError as error:
        return _faults(error), ""
    except KeyError as error:
        return [_fault(f"{error} is missing", "missing")], ""
    except ValueError as error:
        return [_fault(str(error), "value_error")], ""
    except BaseException as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        # Where, and not what: its text may have the details in it.
        trouble = f"{type(error).__name__} at {last.filename}:{last.lineno}"
        return [_fault("parse_metadata raised an error", "details_unreadable")], trouble
    return [], ""


def _faults(error: ValidationError) -> list[Fault]:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return [
        Fault(loc=_place(fault["loc"]), msg=fault["msg"], type=fault["type"])
        for fault in found[:MOST]
    ]


def _place(loc: Sequence[str | int]) -> list[str | int]:
    """Say where in a request's body something stands in the metadata."""
    if loc and (place := PLACES.get(str(loc[0]))):
        return ["body", place, *loc[1:]]
    return ["body", "details", *loc]


def _fault(message: str, kind: str) -> Fault:
    return Fault(loc=["body", "details"], msg=message, type=kind)
