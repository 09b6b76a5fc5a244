"""The API's responses to requests that fail."""

from __future__ import annotations

import logging
import sqlite3
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from host.base.errors import HostError
from host.server.api.details_validator import MOST, Unready
from host.server.api.refusals import Blocked, TooMany, Unusable
from host.server.api.schemas import Fault, Faults, Refusal
from host.server.api.store import Different

log = logging.getLogger("host")

LATER = "30"
"""Retry-After in seconds for a host that takes no calls."""
SOON = "2"
"""Retry-After in seconds for a call that can't be reached."""


async def _invalid(request: Request, error: Any) -> JSONResponse:
    return _faulty([_fault(fault) for fault in error.errors()[:MOST]])


async def _unusable(request: Request, error: Any) -> JSONResponse:
    return _faulty(error.faults)


async def _blocked(request: Request, error: Any) -> JSONResponse:
    refusal = Refusal(detail=error.reason, rule=error.rule, retry_at=error.retry_at)
    return JSONResponse(refusal.model_dump(mode="json"), 403)


async def _different(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": "another request used this idempotency key"}, 409)


async def _too_many(request: Request, error: Exception) -> JSONResponse:
    return _later("too many live calls", LATER)


async def _unready(request: Request, error: Exception) -> JSONResponse:
    return _later("the host can't check details now", LATER)


async def _unwritten(request: Request, error: Exception) -> JSONResponse:
    log.error("can't read or write the API's calls: %s", error)
    return _later("the host can't read or write its calls", LATER)


async def _unreached(request: Request, error: Exception) -> JSONResponse:
    """Return no details: an error of LiveKit's names the host's settings, and a room's number."""
    log.error("can't hang up a call: %s", error)
    return _later("the call can't be reached now", SOON)


async def _broken(request: Request, error: Exception) -> JSONResponse:
    """Return no details: they are in the host's log."""
    return JSONResponse({"detail": "internal error"}, 500)


HANDLERS: dict[int | type[Exception], Any] = {
    RequestValidationError: _invalid,
    Unusable: _unusable,
    Blocked: _blocked,
    Different: _different,
    TooMany: _too_many,
    Unready: _unready,
    HostError: _unreached,
    sqlite3.Error: _unwritten,
    OSError: _unwritten,
    Exception: _broken,
}
"""The response to each kind of exception."""


def _later(detail: str, seconds: str) -> JSONResponse:
    return JSONResponse({"detail": detail}, 503, {"Retry-After": seconds})


def _fault(error: dict[str, Any]) -> Fault:
    kind, message = error["type"], error["msg"]
    if kind == "json_invalid":
        message = f"invalid JSON: {error['ctx']['error']}"
    return Fault(loc=list(error["loc"]), msg=message, type=kind)


def _faulty(faults: list[Fault]) -> JSONResponse:
    return JSONResponse(Faults(detail=faults).model_dump(), 422)
