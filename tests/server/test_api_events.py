"""Programs follow what happens in calls over HTTP, as server-sent events."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from deployment import Deployment
from in_process_api import TOKEN, Api, an_api_in_process

from host.server.api import events as route
from host.server.events import EventStream
from host.settings import load_settings

AUTHORISED = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def stream() -> EventStream:
    return EventStream()


@pytest.fixture
async def api(deployment: Deployment, stream: EventStream) -> AsyncIterator[Api]:
    """The API of a host with one persona."""
    deployment.persona("ann")
    deployment.write("host.toml", f'api_port = 0\napi_token = "{TOKEN}"\n')
    async with an_api_in_process(load_settings(), stream=stream) as api:
        yield api


def say(stream: EventStream, *texts: str, call: str = "AJ_1") -> None:
    for text in texts:
        event = {"type": "call.transcript", "data": {"id": call, "text": text}}
        stream.publish("call.transcript", call, json.dumps(event))


class Follower:
    """A client that follows events."""

    def __init__(self) -> None:
        self.status, self.headers = 0, dict[str, str]()
        self._parts = asyncio.Queue[bytes]()
        self.left = asyncio.Event()
        self.answering: asyncio.Task[None] | None = None

    async def receive(self) -> Any:
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = message["headers"]
            self.headers = {name.decode(): value.decode() for name, value in headers}
        elif message["body"]:
            await self._parts.put(message["body"])

    async def next(self) -> dict[str, str]:
        """The fields of the next event, or comment."""
        async with asyncio.timeout(5):
            part = (await self._parts.get()).decode()
        assert part.endswith("\n\n")
        fields = (line.partition(": ") for line in part.strip().split("\n"))
        return {name or ":": value for name, _, value in fields}

    async def texts(self, count: int) -> list[str]:
        """What is said in the next events."""
        return [json.loads((await self.next())["data"])["data"]["text"] for _ in range(count)]


@asynccontextmanager
async def following(api: Api, query: str = "", **headers: str) -> AsyncIterator[Follower]:
    """Follow events inside the block."""
    follower = Follower()
    sent = {**AUTHORISED, **{name.replace("_", "-"): value for name, value in headers.items()}}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "scheme": "http",
        "method": "GET",
        "path": "/events",
        "raw_path": b"/events",
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
    }

    async def answer() -> None:
        await api.guarded(scope, follower.receive, follower.send)

    follower.answering = answering = asyncio.create_task(answer())
    try:
        assert await follower.next() == {":": "events of calls", "retry": str(route.RETRY)}
        yield follower
    finally:
        follower.left.set()
        await asyncio.wait_for(answering, 5)


async def test_events_come_as_they_happen(api: Api, stream: EventStream) -> None:
    say(stream, "before")
    async with following(api) as follower:
        assert (follower.status, follower.headers["content-type"]) == (
            200,
            "text/event-stream; charset=utf-8",
        )
        assert follower.headers["cache-control"] == "no-store"
        say(stream, "Grüß\nGott\r\n\u2028data: no")
        event = await follower.next()
    assert event["event"] == "call.transcript"
    assert json.loads(event["data"])["data"]["text"] == "Grüß\nGott\r\n\u2028data: no"
    assert event["id"] == stream._events[-1].id
    assert stream.followers == 0


async def test_a_client_that_leaves_costs_nothing(
    api: Api, stream: EventStream, caplog: pytest.LogCaptureFixture
) -> None:
    async with following(api) as follower:
        say(stream, *map(str, range(100)))
        await follower.next()
    assert stream.followers == 0
    # LiveKit's threads may still say something of an earlier test.
    said = [record for record in caplog.records if record.name != "livekit"]
    assert [record for record in said if record.levelname == "ERROR"] == []


async def test_a_client_that_comes_back_gets_what_it_has_missed(
    api: Api, stream: EventStream
) -> None:
    say(stream, "one")
    async with following(api, Last_Event_ID="0") as follower:
        assert (await follower.next())["event"] == "events.missed"
        seen = (await follower.next())["id"]
    say(stream, "two", "three")
    async with following(api, Last_Event_ID=seen) as follower:
        assert await follower.texts(2) == ["two", "three"]


async def test_a_client_may_follow_one_call(api: Api, stream: EventStream) -> None:
    async with following(api, "call=AJ_2") as follower:
        say(stream, "of another")
        say(stream, "of this", call="AJ_2")
        assert await follower.texts(1) == ["of this"]


async def test_comments_keep_the_connection_alive(
    api: Api, stream: EventStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(route, "HEARTBEAT", 0.05)
    async with following(api) as follower:
        assert await follower.next() == {":": "ping"}
        say(stream, "still there")
        while "data" not in (event := await follower.next()):
            assert event == {":": "ping"}


async def test_nobody_follows_without_the_token(api: Api) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        status, body, _ = await api.send("GET", "/events", headers)
        assert (status, body) == (401, {"detail": "the token is missing or wrong"})


async def test_further_clients_are_told_to_wait(
    api: Api, stream: EventStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(route, "FOLLOWERS", 1)
    async with following(api) as follower:
        say(stream, "one")
        await follower.next()
        status, body, headers = await api.send("GET", "/events", AUTHORISED)
        assert (status, body) == (503, {"detail": "too many clients follow events"})
        assert headers["retry-after"]
    async with following(api):
        pass


async def test_a_request_that_is_wrong_is_explained(api: Api) -> None:
    status, body = await api.ask("GET", "/events", calls="AJ_1")
    assert (status, body["detail"][0]["loc"]) == (422, ["query", "calls"])


async def test_the_end_of_the_host_ends_the_response(api: Api, stream: EventStream) -> None:
    async with following(api) as follower:
        stream.close()
        assert follower.answering
        await asyncio.wait_for(asyncio.shield(follower.answering), 5)
