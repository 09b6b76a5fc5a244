"""Routes of the API and its error responses."""

from __future__ import annotations

import codecs
import json
import logging
import re
import sqlite3
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute, APIRouter
from fastapi.security import HTTPBearer
from pydantic_core import from_json

from host.server.api.details_validator import MOST, Unready
from host.server.api.guard import TOO_LONG
from host.server.api.placing import Placing
from host.server.api.refusals import Blocked, TooMany, Unusable
from host.server.api.schemas import AskedCall, Fault, Faults, Key, Problem, Refusal, WantedCall
from host.server.api.store import Different

log = logging.getLogger("host")

LATER = "30"
"""Retry-After in seconds for a host that takes no calls."""

_SECONDS = "seconds after which to retry"

Closed = Callable[[], str | None]
"""Returns why the host takes no calls; None if it does."""


class StrictRequest(Request):
    """A request with strict JSON: no NaN, no excessive depth, no duplicate key.

    A proxy may have validated the other value of a duplicate key.
    """

    async def json(self) -> Any:
        """Parse the body. Raises JSONDecodeError."""
        body = await self.body()
        try:
            if body.startswith(codecs.BOM_UTF8):
                raise ValueError("it begins with a byte order mark")
            from_json(body, allow_inf_nan=False)  # strict, unlike Python's parser
            return json.loads(body, object_pairs_hook=_each_key_once)
        except ValueError as error:
            raise json.JSONDecodeError(str(error), "", 0) from None


class StrictRoute(APIRoute):
    """A route that parses its requests strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler in a StrictRequest."""
        answer = super().get_route_handler()

        async def answer_strictly(request: Request) -> Response:
            return await answer(StrictRequest(request.scope, request.receive))

        return answer_strictly


class Api(FastAPI):
    """The API. Its OpenAPI description lists the loaded personas."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI description."""
        described = super().openapi()
        wanted = described["components"]["schemas"]["WantedCall"]["properties"]
        wanted["persona"]["enum"] = self.state.placing.personas
        return described


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) < len(pairs):
        raise ValueError("duplicate key in an object")
    return read


def placing_of(request: Request) -> Placing:
    """Return the app's Placing."""
    placing: Placing = request.app.state.placing
    return placing


def open_for_calls(request: Request) -> None:
    """Reject a request while the host takes no calls."""
    if why := request.app.state.closed():
        raise HTTPException(503, f"the host takes no calls: {why}", {"Retry-After": LATER})


def in_json(request: Request) -> None:
    """Reject a body whose content type is not JSON."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not (kind.startswith("application/") and re.search(r"[/+]json$", kind)):
        text = "the content type is not application/json"
        raise Unusable(Fault(loc=["header", "Content-Type"], msg=text, type="content_type"))


def named_once(request: Request) -> None:
    """Reject a request with two different Idempotency-Key headers."""
    if len(set(request.headers.getlist("idempotency-key"))) > 1:
        raise HTTPException(400, "two Idempotency-Key headers differ")


router = APIRouter(route_class=StrictRoute, dependencies=[Depends(HTTPBearer(auto_error=False))])
Calls = Annotated[Placing, Depends(placing_of)]


def _problem(what: str, model: type = Problem, **headers: str) -> dict[str, Any]:
    described = {
        name.replace("_", "-"): {"description": meaning, "schema": {"type": "string"}}
        for name, meaning in headers.items()
    }
    return {"model": model, "description": what, "headers": described}


_ANY: dict[int | str, dict[str, Any]] = {
    400: _problem("the request is malformed or ambiguous"),
    401: _problem("the token is missing or wrong", WWW_Authenticate="Bearer"),
    413: _problem(TOO_LONG),
    422: _problem("what is wrong with the request, field by field", Faults),
    429: _problem("too many requests", Retry_After=_SECONDS),
    503: _problem("the host can't do it now", Retry_After=_SECONDS),
}
_PLACING: dict[int | str, dict[str, Any]] = {
    202: {"headers": {"Location": {"description": "the call", "schema": {"type": "string"}}}},
    403: _problem("the gate refuses the number; nothing was dialled", Refusal),
    408: _problem("the request took too long"),
    409: _problem("another request used this idempotency key"),
}


@router.post(
    "/calls",
    status_code=202,
    responses=_ANY | _PLACING,
    dependencies=[Depends(open_for_calls), Depends(in_json), Depends(named_once)],
)
async def place_call(
    wanted: WantedCall,
    calls: Calls,
    response: Response,
    idempotency_key: Annotated[Key | None, Header(alias="Idempotency-Key")] = None,
) -> AskedCall:
    """Place a call. Returns at once; its status is at the Location."""
    asked = await calls.ask(_with_key(wanted, idempotency_key))
    response.headers["Location"] = f"/calls/{asked.id}"
    return asked


@router.get(
    "/calls/{id}",
    responses=_ANY | {404: _problem("no such call")},
)
async def read_call(id: str, calls: Calls) -> AskedCall:
    """Return the status of a call, or its outcome."""
    if asked := await calls.read(id):
        return asked
    raise HTTPException(404, "no such call")


def make_api(placing: Placing, closed: Closed) -> Api:
    """Build the API."""
    api = Api(
        title="The host",
        summary="Places telephone calls of AI personas and reports their outcome.",
        version="1",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers={
            RequestValidationError: _invalid,
            Unusable: _unusable,
            Blocked: _blocked,
            Different: _different,
            TooMany: _too_many,
            Unready: _unready,
            sqlite3.Error: _unwritten,
            OSError: _unwritten,
            Exception: _broken,
        },
    )
    api.state.placing, api.state.closed = placing, closed
    api.include_router(router)
    return api


def _with_key(wanted: WantedCall, header: str | None) -> WantedCall:
    if header is None or header == wanted.idempotency_key:
        return wanted
    if wanted.idempotency_key is not None:
        text = "it differs from the Idempotency-Key header"
        raise Unusable(Fault(loc=["body", "idempotency_key"], msg=text, type="value_error"))
    return wanted.model_copy(update={"idempotency_key": header})


async def _invalid(request: Request, error: Any) -> JSONResponse:
    return _faulty([_fault(fault) for fault in error.errors()[:MOST]])


async def _unusable(request: Request, error: Any) -> JSONResponse:
    return _faulty(error.faults)


async def _blocked(request: Request, error: Any) -> JSONResponse:
    return JSONResponse({"detail": error.reason, "rule": error.rule}, 403)


async def _different(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": "another request used this idempotency key"}, 409)


async def _too_many(request: Request, error: Exception) -> JSONResponse:
    detail = {"detail": "too many live calls"}
    return JSONResponse(detail, 503, {"Retry-After": LATER})


async def _unready(request: Request, error: Exception) -> JSONResponse:
    detail = {"detail": "the host can't check details now"}
    return JSONResponse(detail, 503, {"Retry-After": LATER})


async def _unwritten(request: Request, error: Exception) -> JSONResponse:
    log.error("can't read or write the API's calls: %s", error)
    detail = {"detail": "the host can't read or write its calls"}
    return JSONResponse(detail, 503, {"Retry-After": LATER})


async def _broken(request: Request, error: Exception) -> JSONResponse:
    """Return no details: they are in the host's log."""
    return JSONResponse({"detail": "internal error"}, 500)


def _fault(error: dict[str, Any]) -> Fault:
    kind, message = error["type"], error["msg"]
    if kind == "json_invalid":
        message = f"invalid JSON: {error['ctx']['error']}"
    return Fault(loc=list(error["loc"]), msg=message, type=kind)


def _faulty(faults: list[Fault]) -> JSONResponse:
    return JSONResponse(Faults(detail=faults).model_dump(), 422)
