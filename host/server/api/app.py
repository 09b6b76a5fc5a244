"""Routes of the API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Header, HTTPException, Query, Request, Response
from fastapi.routing import APIRouter
from fastapi.security import HTTPBearer

from host.server.api import campaigns, events
from host.server.api.calls import Calls
from host.server.api.errors import HANDLERS, LATER
from host.server.api.filters import HangUpWanted, PageWanted
from host.server.api.refusals import Unusable
from host.server.api.responses import ANY, problem
from host.server.api.schemas import (
    AskedCall,
    CallPage,
    Fault,
    Key,
    KnownCall,
    Refusal,
    WantedCall,
)
from host.server.api.starting import Campaigns
from host.server.api.strict import StrictRoute, in_json
from host.server.events import EventStream

Closed = Callable[[], str | None]
"""Returns why the host takes no calls; None if it does."""


class Api(FastAPI):
    """The API. Its OpenAPI description lists the loaded personas."""

    def openapi(self) -> dict[str, Any]:
        """Return the OpenAPI description."""
        described = super().openapi()
        wanted = described["components"]["schemas"]["WantedCall"]["properties"]
        wanted["persona"]["enum"] = self.state.calls.placing.checker.personas
        return described


async def calls_of(request: Request) -> Calls:
    """Return the app's calls."""
    calls: Calls = request.app.state.calls
    return calls


async def open_for_calls(request: Request) -> None:
    """Reject a request while the host takes no calls."""
    if why := request.app.state.closed():
        raise HTTPException(503, f"the host takes no calls: {why}", {"Retry-After": LATER})


async def named_once(request: Request) -> None:
    """Reject a request with two different Idempotency-Key headers."""
    if len(set(request.headers.getlist("idempotency-key"))) > 1:
        raise HTTPException(400, "two Idempotency-Key headers differ")


router = APIRouter(route_class=StrictRoute, dependencies=[Depends(HTTPBearer(auto_error=False))])
AllCalls = Annotated[Calls, Depends(calls_of)]


_UNKNOWN: dict[int | str, dict[str, Any]] = {404: problem("no such call")}
_PLACING: dict[int | str, dict[str, Any]] = {
    202: {
        "description": "the request is accepted",
        "headers": {"Location": {"description": "the call", "schema": {"type": "string"}}},
    },
    403: problem("the gate refuses the number; nothing was dialled", Refusal),
    408: problem("the request took too long"),
    409: problem("another request used this idempotency key"),
}


@router.post(
    "/calls",
    status_code=202,
    responses=ANY | _PLACING,
    dependencies=[Depends(open_for_calls), Depends(in_json), Depends(named_once)],
)
async def place_call(
    wanted: WantedCall,
    calls: AllCalls,
    response: Response,
    idempotency_key: Annotated[
        Key | None,
        Header(alias="Idempotency-Key", description="alternative to idempotency_key in the body"),
    ] = None,
) -> AskedCall:
    """Place a call. Returns at once; the Location header is the URL of its status."""
    asked = await calls.placing.ask(_with_key(wanted, idempotency_key))
    response.headers["Location"] = f"/calls/{asked.id}"
    return asked


@router.get("/calls", responses=ANY)
async def list_calls(wanted: Annotated[PageWanted, Query()], calls: AllCalls) -> CallPage:
    """List live and recent calls of this host, and all calls of this API, newest first."""
    return await calls.page(wanted)


@router.get("/calls/{id}", responses=ANY | _UNKNOWN)
async def read_call(id: str, calls: AllCalls) -> KnownCall:
    """Return the status of a call, or its outcome."""
    return _known(await calls.find(id))


@router.delete(
    "/calls/{id}",
    responses=ANY | _UNKNOWN | {202: {"model": KnownCall, "description": "it is hanging up"}},
)
async def hang_up(
    id: str, wanted: Annotated[HangUpWanted, Query()], calls: AllCalls, response: Response
) -> KnownCall:
    """Hang up a call, at once or after a goodbye. 200: it is over."""
    call = _known(await calls.hang_up(id, wanted.goodbye))
    response.status_code = 200 if call.status == "over" else 202
    return call


def make_api(calls: Calls, closed: Closed, stream: EventStream | None = None) -> Api:
    """Build the API. `stream` has the events of calls."""
    api = Api(
        title="The host",
        summary="Places telephone calls of AI personas and reports their outcome.",
        version="1",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers=HANDLERS,
    )
    api.state.calls, api.state.closed = calls, closed
    api.state.stream = stream or EventStream()
    api.state.campaigns = Campaigns(lambda: calls.settings, lambda: calls.placing.checker)
    for each in (router, events.router, campaigns.router):
        api.include_router(each)
    return api


def _known(call: KnownCall | None) -> KnownCall:
    if call is None:
        raise HTTPException(404, "no such call")
    return call


def _with_key(wanted: WantedCall, header: str | None) -> WantedCall:
    if header is None or header == wanted.idempotency_key:
        return wanted
    if wanted.idempotency_key is not None:
        text = "it differs from the Idempotency-Key header"
        raise Unusable(Fault(loc=["body", "idempotency_key"], msg=text, type="value_error"))
    return wanted.model_copy(update={"idempotency_key": header})
