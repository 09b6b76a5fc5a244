"""The routes of the API, and how what goes wrong is told."""

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
from host.server.api.placing import Blocked, Placing, TooMany, Unusable
from host.server.api.schemas import AskedCall, Fault, Faults, Key, Problem, Refusal, WantedCall
from host.server.api.store import Different

log = logging.getLogger("host")

LATER = "30"
"""Seconds after which a host that takes no calls may be asked again."""

_SECONDS = "seconds after which to retry"

Closed = Callable[[], str | None]
"""Says why the host takes no calls; None where it does."""


class StrictRequest(Request):
    """A request whose JSON is JSON, and says one thing: no NaN, no depth without end, no key twice.

    Somebody before us may have looked at the other of two numbers.
    """

    async def json(self) -> Any:
        """Read the body. Raises JSONDecodeError."""
        body = await self.body()
        try:
            if body.startswith(codecs.BOM_UTF8):
                raise ValueError("it begins with a byte order mark")
            from_json(body, allow_inf_nan=False)  # knows what JSON is, where Python's is lenient
            return json.loads(body, object_pairs_hook=_each_key_once)
        except ValueError as error:
            raise json.JSONDecodeError(str(error), "", 0) from None


class StrictRoute(APIRoute):
    """A route that reads its requests strictly."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Read each request strictly."""
        answer = super().get_route_handler()

        async def answer_strictly(request: Request) -> Response:
            return await answer(StrictRequest(request.scope, request.receive))

        return answer_strictly


class Api(FastAPI):
    """The API; its OpenAPI names the personas that there are."""

    def openapi(self) -> dict[str, Any]:
        """Describe the API for a program."""
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
    """Return the calls of the API that is asked."""
    placing: Placing = request.app.state.placing
    return placing


def open_for_calls(request: Request) -> None:
    """Refuse a request for a call where the host takes none."""
    if why := request.app.state.closed():
        raise HTTPException(503, f"the host takes no calls: {why}", {"Retry-After": LATER})


def in_json(request: Request) -> None:
    """Refuse a body that does not say that it is JSON."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not (kind.startswith("application/") and re.search(r"[/+]json$", kind)):
        text = "the content type is not application/json"
        raise Unusable(Fault(loc=["header", "Content-Type"], msg=text, type="content_type"))


def named_once(request: Request) -> None:
    """Refuse a request that has two names."""
    if len(set(request.headers.getlist("idempotency-key"))) > 1:
        raise HTTPException(400, "two Idempotency-Key headers differ")


router = APIRouter(route_class=StrictRoute, dependencies=[Depends(HTTPBearer(auto_error=False))])
Calls = Annotated[Placing, Depends(placing_of)]


def _problem(what: str, model: type = Problem, **headers: str) -> dict[str, Any]:
    told = {
        name.replace("_", "-"): {"description": meaning, "schema": {"type": "string"}}
        for name, meaning in headers.items()
    }
    return {"model": model, "description": what, "headers": told}


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
    """Place a call. It is answered at once; ask at its location how it stands."""
    asked = await calls.ask(_with_key(wanted, idempotency_key))
    response.headers["Location"] = f"/calls/{asked.id}"
    return asked


@router.get(
    "/calls/{id}",
    responses=_ANY | {404: _problem("no such call")},
)
async def read_call(id: str, calls: Calls) -> AskedCall:
    """Say how a call stands, or how it went."""
    if asked := await calls.read(id):
        return asked
    raise HTTPException(404, "no such call")


def make_api(placing: Placing, closed: Closed) -> Api:
    """Make the API of these calls."""
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
    return _faulty([_fault(told) for told in error.errors()[:MOST]])


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
    """Tell nothing of what broke: the host's log does."""
    return JSONResponse({"detail": "internal error"}, 500)


def _fault(told: dict[str, Any]) -> Fault:
    kind, message = told["type"], told["msg"]
    if kind == "json_invalid":
        message = f"invalid JSON: {told['ctx']['error']}"
    return Fault(loc=list(told["loc"]), msg=message, type=kind)


def _faulty(faults: list[Fault]) -> JSONResponse:
    return JSONResponse(Faults(detail=faults).model_dump(), 422)
