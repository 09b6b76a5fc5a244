"""The API for tests without a socket: its guard and its app, asked in this process."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import unquote, urlencode

from fastapi import FastAPI
from starlette.types import ASGIApp

from host.base.processes import this_process
from host.call.state import CallState
from host.records.record import CallRecord
from host.runner.checkpoint import Checkpoint, CheckpointStore
from host.server.api.app import make_api
from host.server.api.calls import Calls
from host.server.api.guard import Guard
from host.server.api.listing import CallLister
from host.server.api.placing import Placing
from host.server.api.schemas import AskedCall, WantedCall
from host.server.api.store import CallStore
from host.server.api.token import tokens_of
from host.server.events import EventStream
from host.settings import Settings

TOKEN = "the-token-of-these-tests-and-of-nobody-else"
NUMBER, OURS = "+15552220001", "+15550001111"


@dataclass
class Api:
    """The API of a host, and the files that its calls write."""

    settings: Settings
    calls: Calls
    app: FastAPI
    guarded: ASGIApp

    async def ask(self, method: str, path: str, **query: Any) -> tuple[int, Any]:
        """Send a request with the token; give the status and the body."""
        status, body, _ = await self.send(method, path, {"Authorization": f"Bearer {TOKEN}"}, query)
        return status, body

    async def place(self, **wanted: Any) -> tuple[int, Any]:
        """Ask for a call; give the status and the body."""
        body = json.dumps({"persona": "ann", "number": NUMBER, **wanted}).encode()
        headers = {
            "Authorization": f"Bearer {TOKEN}",
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
        }
        status, told, _ = await self.send("POST", "/calls", headers, body=body)
        return status, told

    async def send(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        query: Mapping[str, Any] | None = None,
        body: bytes = b"",
    ) -> tuple[int, Any, dict[str, str]]:
        """Send a request as a server would pass it on; give the status, the body, the headers."""
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "scheme": "http",
            "method": method,
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": urlencode(query or {}).encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        }
        sent: list[Any] = []

        async def receive() -> Any:
            if any(message["type"] == "http.response.start" for message in sent):
                await asyncio.Event().wait()  # the client stays
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.guarded(scope, receive, send)
        start, *rest = sent
        told = b"".join(message.get("body", b"") for message in rest)
        answered = {name.decode(): value.decode() for name, value in start["headers"]}
        in_json = "json" in answered.get("content-type", "")
        return start["status"], json.loads(told) if in_json else told.decode(), answered

    async def page(self, **query: Any) -> tuple[list[dict[str, Any]], str | None]:
        """List calls; give them, and the next cursor."""
        status, told = await self.ask("GET", "/calls", **query)
        assert status == 200, told
        return told["calls"], told["next_cursor"]

    def live(self, id: str, **facts: Any) -> CallState:
        """Have a live call's checkpoint, as its process writes it."""
        known = {"persona": "ann", "room": f"call-_{NUMBER}_{id}", "number": NUMBER}
        state = CallState(id=id, **{**known, "our_number": OURS, **facts})
        here = this_process()
        CheckpointStore(self.settings.state_dir).put(
            Checkpoint(machine=here.machine, number=here.number, began=here.began, state=state)
        )
        return state

    def ended(self, record: CallRecord) -> None:
        """Have a call's record in the log and no checkpoint any more, as at its end."""
        with self.settings.call_log.open("a") as log:
            log.write(f"{record.model_dump_json()}\n")
        CheckpointStore(self.settings.state_dir).close(record.id)

    def asked(self, id: str, at: datetime, **facts: Any) -> AskedCall:
        """Have a call of the API in its store."""
        known = {"id": id, "persona": "ann", "room": f"ann-{id}", "asked_at": at}
        asked = AskedCall(**{**known, **facts})
        store = CallStore(self.settings.state_dir)
        store.add(f"key-{id}", WantedCall(persona="ann", number=NUMBER), asked)
        if asked.status == "over":
            store.end(asked)
        return asked


@contextlib.asynccontextmanager
async def an_api_in_process(
    settings: Settings,
    watched: Callable[[str], bool] | None = None,
    stream: EventStream | None = None,
) -> AsyncIterator[Api]:
    """Have the API of a deployment, whose calls this test writes."""
    placing = Placing(settings)
    calls = Calls(settings, placing, CallLister(settings, placing.store, watched))
    app = make_api(calls, lambda: None, stream)
    guarded: Any = Guard(app, tokens_of(settings), settings.api_rate)
    yield Api(settings, calls, app, guarded)
    await placing.close()
