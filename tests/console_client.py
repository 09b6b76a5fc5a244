"""The console for tests without a socket: its app asked in this process, and calls to show."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from deployment import Deployment

from host.base.processes import this_process
from host.call.state import CallState
from host.records.outcome import Outcome
from host.records.record import CallRecord, ToolUse, Utterance
from host.registry import load
from host.runner.checkpoint import Checkpoint, CheckpointStore
from host.server.console.app import make_console
from host.server.console.context import Console
from host.server.console.server import answering_console
from host.settings import Settings, load_settings

TOKEN = "the-token-of-these-tests-and-of-nobody-else"
NUMBER, OURS = "+15552220001", "+15550001111"
NOW = datetime.now(UTC).replace(microsecond=0)
HTML = {"accept": "text/html"}


@dataclass
class Following:
    """A response whose body comes piece by piece."""

    status: int
    headers: dict[str, str]
    _pieces: asyncio.Queue[bytes | None]

    async def piece(self) -> bytes | None:
        """Return the next piece; None at the end."""
        async with asyncio.timeout(10):
            return await self._pieces.get()

    async def rest(self) -> list[bytes]:
        """Return all further pieces, once the response has ended."""
        pieces = list[bytes]()
        while (piece := await self.piece()) is not None:
            pieces.append(piece)
        return pieces

    @property
    def waiting(self) -> int:
        """How many pieces have come that nobody has taken."""
        return self._pieces.qsize()


@dataclass
class Browser:
    """Somebody at the console of a deployment, signed in or not."""

    console: Console
    http: httpx2.AsyncClient

    @property
    def settings(self) -> Settings:
        """The settings of the host."""
        return self.console.settings

    async def get(self, path: str, **more: Any) -> httpx2.Response:
        """Ask for a page; redirects are not followed."""
        return await self.http.get(path, **more)

    async def page(self, path: str, **query: str) -> str:
        """Ask for a page that is there."""
        answer = await self.http.get(path, params=query or None)
        assert answer.status_code == 200, (answer.status_code, answer.text)
        return answer.text

    async def post(self, path: str, *, csrf: str | None = None, **form: str) -> httpx2.Response:
        """Send a form with the token of the session, unless another one is given."""
        if csrf is None:
            csrf = self.csrf(await self.page("/gate"))
        return await self.http.post(path, data={"csrf": csrf, **form})

    @contextlib.asynccontextmanager
    async def following(self, path: str) -> AsyncIterator[Following]:
        """Have a response without an end inside the block; the client leaves after it."""
        cookies = "; ".join(f"{name}={value}" for name, value in self.http.cookies.items())
        scope = {
            "type": "http", "method": "GET", "path": path, "query_string": b"",
            "headers": [(b"cookie", cookies.encode())], "server": ("console", None),
        }  # fmt: skip
        pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
        begun: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        async def receive() -> Any:
            await asyncio.Event().wait()

        async def send(message: Any) -> None:
            if message["type"] == "http.response.start":
                begun.set_result(message)
            elif body := message.get("body"):
                pieces.put_nowait(body)

        async def respond() -> None:
            await make_console(self.console)(scope, receive, send)
            pieces.put_nowait(None)

        responding = asyncio.create_task(respond())
        try:
            async with asyncio.timeout(10):
                start = await begun
            headers = {name.decode(): value.decode() for name, value in start["headers"]}
            yield Following(start["status"], headers, pieces)
        finally:
            responding.cancel()
            await asyncio.gather(responding, return_exceptions=True)

    def csrf(self, page: str) -> str:
        """Return the CSRF token of a page."""
        found = re.search(r'name="csrf" value="(\w+)"', page)
        assert found, page
        return found[1]

    async def sign_in(self, token: str = TOKEN) -> httpx2.Response:
        """Send the form of the first page."""
        return await self.http.post("/login", data={"token": token, "next": "/calls"})

    def write(self, *records: CallRecord) -> None:
        """Append records to the call log, as they are."""
        with self.settings.call_log.open("a") as log:
            log.writelines(f"{record.model_dump_json()}\n" for record in records)

    def live(self, id: str, **facts: Any) -> CallState:
        """Have a live call's checkpoint, as its process writes it."""
        known = {"persona": "ann", "room": f"call-_{NUMBER}_{id}", "number": NUMBER}
        state = CallState(id=id, **{**known, "our_number": OURS, **facts})
        here = this_process()
        checkpoint = Checkpoint(
            machine=here.machine, number=here.number, began=here.began, state=state
        )
        CheckpointStore(self.settings.state_dir).put(checkpoint)
        return state


@contextlib.asynccontextmanager
async def a_browser(
    deployment: Deployment, toml: str = "", *, token: str = TOKEN
) -> AsyncIterator[Browser]:
    """Have the console of a deployment, and nobody signed in."""
    deployment.write("host.toml", f'console_port = 0\nconsole_token = "{token}"\n{toml}')
    async with a_browser_at(load_settings()) as browser:
        yield browser


@contextlib.asynccontextmanager
async def a_browser_at(settings: Settings) -> AsyncIterator[Browser]:
    """Have the console of a host with these settings, and nobody signed in."""
    console = Console(settings, load(settings))
    transport = httpx2.ASGITransport(app=make_console(console))
    async with httpx2.AsyncClient(transport=transport, base_url="http://console") as http:
        yield Browser(console, http)


def a_record(nth: int = 1, **facts: Any) -> CallRecord:
    """A call of three lines and one tool, `nth` minutes ago; its number is already masked."""
    begun = NOW - timedelta(minutes=nth)
    answered = begun + timedelta(seconds=3)

    def at(seconds: float) -> datetime:
        return answered + timedelta(seconds=seconds)

    known: dict[str, Any] = {
        "id": f"AJ_{nth:06}",
        "room": f"call-_+1…01_{nth}",
        "persona": "ann",
        "direction": "inbound",
        "number": f"+1…{nth % 100:02}~bcdfghjklm",
        "our_number": "+1…11~nbcdfghjkl",
        "outcome": Outcome.COMPLETED,
        "ended_by": "far end",
        "reason": "the caller hung up",
        "retryable": False,
        "dispatched_at": begun,
        "ringing_at": begun,
        "answered_at": answered,
        "first_word_at": at(0.4),
        "ended_at": at(20),
        "duration": 20.0,
        "ring_time": 3.0,
        "time_to_first_word": 0.4,
        "transcript": [
            Utterance(at=at(0.4), who="persona", text="Good morning, what can I do for you?"),
            Utterance(at=at(5.0), who="caller", text="I need an appointment on Thursday."),
            Utterance(at=at(6.2), who="persona", text="Thursday at ten is free."),
        ],
        "tools": [
            ToolUse(
                at=at(5.8),
                name="free_times",
                arguments='{"day": "Thursday"}',
                result="ten o'clock",
                failed=False,
            )
        ],
        "results": {"appointment": "Thursday at ten"},
    }
    return CallRecord(**{**known, **facts})


@contextlib.asynccontextmanager
async def console_on_a_port(
    settings: Settings, caplog: pytest.LogCaptureFixture, **more: Any
) -> AsyncIterator[str]:
    """Serve the console on a port; give its address, as the log has it."""
    caplog.set_level(logging.INFO, logger="host")
    async with answering_console(settings, load(settings), **more):
        found = re.search(r"the console at (http://127\.0\.0\.1:\d+)", caplog.text)
        assert found
        yield found[1]
