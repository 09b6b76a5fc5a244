"""Validates a call's details with the persona's `parse_metadata`, in a process that can be killed.

It is the persona's code on untrusted input. In a thread of the host, a regular expression that runs
for minutes would hold Python's GIL, and with it every call.
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
from host.call.dispatch import RESERVED, read_dispatch
from host.privacy.logs import keep_private, mask_what_is_printed
from host.registry import Code, Registry
from host.server.api.schemas import Fault
from host.settings import Settings

log = logging.getLogger("host")

LIMIT = 3.0
"""Seconds that a persona may take to validate one call's details."""
START_LIMIT = 15.0
"""Seconds that the process may take to load personas and plugins."""
MOST = 50
"""Maximum number of faults reported for one request."""
PLACES = {name: name for name in RESERVED} | {"phone_number": "number"}
"""Metadata fields outside `details`, and their names in the request's body."""

# LiveKit's forkserver, which also forks the calls: personas and plugins are already imported.
_CONTEXT = multiprocessing.get_context("forkserver")


class Unready(Exception):
    """Details can't be validated at the moment."""


_Served = tuple[Settings, Code]
"""What a process validates with."""


@dataclass(frozen=True)
class _Child:
    process: BaseProcess
    pipe: Connection
    served: _Served


class DetailsValidator:
    """Validates the details of one call at a time.

    A process is replaced if it takes too long, and after a reload.
    """

    def __init__(self, settings: Settings) -> None:
        self._served: _Served = settings, registry.load(settings).code
        self._one = ThreadPoolExecutor(1, "details")
        self._child: _Child | None = None

    def use(self, settings: Settings, loaded: Registry) -> None:
        """Validate further calls with these settings and this registry."""
        self._served = settings, loaded.code

    async def faults(self, metadata: str) -> list[Fault]:
        """Return the faults that the persona finds in a call's metadata. Raises Unready."""
        return await asyncio.get_running_loop().run_in_executor(self._one, self._ask, metadata)

    async def close(self) -> None:
        """Stop the process."""
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
        """Return the process, restarted if it has died since its last answer. Raises Unready."""
        if self._child and self._child.served is not self._served:
            self._end()
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
        served = self._served
        process = _CONTEXT.Process(
            target=_answer, args=(theirs, *served), name="details", daemon=True
        )
        process.start()
        theirs.close()
        self._child = _Child(process, pipe, served)
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


def _answer(pipe: Connection, settings: Settings, code: Code) -> None:
    """Validate what arrives through the pipe, until its other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    keep_private(settings)
    mask_what_is_printed()
    logging.disable(logging.CRITICAL)  # this process lacks the host's log filters
    loaded = registry.load(settings, code)
    with contextlib.suppress(EOFError, OSError):
        pipe.send("ready")
        while True:
            pipe.send(_check(loaded, pipe.recv()))


def _check(loaded: Registry, metadata: str) -> tuple[list[Fault], str]:
    """Return the metadata's faults, and for the log what failed in the persona."""
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
        # The location only: the message may contain details.
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
    """Return the location in the request's body of a location in the metadata."""
    if loc and (place := PLACES.get(str(loc[0]))):
        return ["body", place, *loc[1:]]
    return ["body", "details", *loc]


def _fault(message: str, kind: str) -> Fault:
    return Fault(loc=["body", "details"], msg=message, type=kind)
