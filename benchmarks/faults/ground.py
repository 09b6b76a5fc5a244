"""Where faults are tried: a LiveKit server, an exchange with callers, providers, one worker."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import TypeVar

from livekit import api

from faults import words
from faults.wire import Wire
from faults.workers import Worker, make_worker
from host.local.phone import PersonScript, PhoneCall
from host.local.rules import Rule
from host.local.world import World

READER = "You are the reader"
RULES = (
    Rule(about=READER, after="do_it", says=words.DONE),
    Rule(about=READER, hears="do it now", calls=("do_it", {})),
    Rule(about=READER, hears="story", says=words.STORY),
    Rule(about=READER, hears="can you hear me", says=words.HEARING_YOU),
)


T = TypeVar("T")
PROCESS_ENDS = 4.0
"""Seconds that the process of a call may take to end after it, before it is killed."""


class Ground:
    """The world of one worker. `arm` is `host` or `plain`."""

    def __init__(
        self,
        arm: str,
        world: World,
        folder: Path,
        wires: Mapping[str, Wire],
        more: Mapping[str, str],
    ) -> None:
        self.arm, self.world, self.folder, self.wires = arm, world, folder, wires
        self.notes = folder / "notes"
        self.notes.mkdir()
        self._more = more
        self._workers = count()
        self._numbers: dict[str, str] = {}
        self._callers = count()
        self.worker = self.another_worker()

    def another_worker(self) -> Worker:
        """Make a worker of this world, not yet started."""
        settings = {
            **self.world.settings,
            "HOST_DEEPGRAM_BASE_URL": f"{self.wires['stt'].url}/v1/listen",
            "HOST_CARTESIA_BASE_URL": self.wires["tts"].url,
            "HOST_OPENAI_BASE_URL": f"{self.wires['llm'].url}/v1",
            "FAULTS_FOLDER": str(self.notes),
            "HOST_PASS_ENVIRONMENT": "FAULTS_FOLDER",
            **self._more,
        }
        return make_worker(self.arm, settings, self.folder / f"worker{next(self._workers)}")

    async def ring(self, does: str, script: PersonScript | None = None) -> PhoneCall:
        """Ring the reader; `does` is what it does when it is asked to do something."""
        if does not in self._numbers:
            number = self._numbers[does] = f"+1555200{len(self._numbers):04}"
            metadata = json.dumps({"persona": "reader", "does": does})
            await self.world.exchange.route(
                number, agent="host", prefix="reader", metadata=metadata
            )
        caller = f"+1555777{next(self._callers):04}"
        return await self.world.exchange.ring(caller, self._numbers[does], script)

    def new_number(self) -> str:
        """Give a number to dial that no telephone has had yet."""
        return f"+1555300{next(self._callers):04}"

    def process_of(self, call: PhoneCall) -> int | None:
        """Tell which process has a call; None where none ever had."""
        with contextlib.suppress(FileNotFoundError):
            return int((self.notes / f"{call.room}.pid").read_text())
        return None

    def lives(self, call: PhoneCall) -> bool:
        """Whether the process of a call lives."""
        pid = self.process_of(call)
        return pid is not None and _is_of(pid, self.worker)

    async def struck(self, call: PhoneCall, limit: float = 15.0) -> float:
        """Wait until the trouble of a call begins, and give the Unix time. Raises TimeoutError."""
        note = self.notes / f"{call.room}.struck"
        async with asyncio.timeout(limit):
            while not note.exists():
                await asyncio.sleep(0.02)  # another process writes it: there is no event
        return float(note.read_text())

    @asynccontextmanager
    async def livekit(self) -> AsyncIterator[api.LiveKitAPI]:
        """LiveKit's API, at the server itself."""
        server = self.world.livekit
        async with api.LiveKitAPI(server.url, server.api_key, server.api_secret) as livekit:
            yield livekit

    async def rooms(self) -> set[str]:
        """Ask LiveKit for the rooms that there are."""
        async with self.livekit() as livekit:
            found = await livekit.room.list_rooms(api.ListRoomsRequest())
            return {room.name for room in found.rooms}

    async def clear(self, calls: list[PhoneCall]) -> None:
        """Leave nothing of these calls behind: no leg, no room, no process."""
        for call in calls:
            if not call.done:
                with contextlib.suppress(TimeoutError):
                    await call.hang_up()
        left = await self.rooms() & {call.room for call in calls}
        async with self.livekit() as livekit:
            for room in left:
                with contextlib.suppress(api.ServerError):
                    await livekit.room.delete_room(api.DeleteRoomRequest(room=room))
        pids = [pid for call in calls if (pid := self.process_of(call))]
        await until(lambda: not any(_is_of(pid, self.worker) for pid in pids), PROCESS_ENDS)
        for pid in pids:
            if _is_of(pid, self.worker):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def heal(self) -> None:
        """Let every provider work again."""
        for wire in self.wires.values():
            wire.heal()
        self.world.llm.fail_with = None

    async def restart(self) -> None:
        """Replace the worker, and whatever is left of it, by a new one."""
        await self.worker.kill()
        await self.worker.start()


def _is_of(pid: int, worker: Worker) -> bool:
    """Whether a process is one of the worker's still: numbers are used again."""
    with contextlib.suppress(ProcessLookupError):
        return os.getpgid(pid) == worker.pid
    return False


@asynccontextmanager
async def open_ground(
    arm: str, folder: Path, more: Mapping[str, str] | None = None
) -> AsyncIterator[Ground]:
    """Bring up a world with the worker of an arm in it; `more` are settings of the host."""
    async with AsyncExitStack() as up:
        enter = up.enter_async_context
        world = await enter(World(rules=RULES, deaf=True))
        wires = {
            "stt": await enter(Wire(world.deepgram.url)),
            "tts": await enter(Wire(world.cartesia.url)),
            "llm": await enter(Wire(world.llm.url)),
        }
        ground = Ground(arm, world, folder, wires, more or {})
        await ground.worker.start()
        try:
            yield ground
        finally:
            await ground.worker.kill()


async def until(what: Callable[[], bool], limit: float) -> bool:
    """Wait until something is so that has no event; False where it is not within the limit."""
    end = time.monotonic() + limit
    while not what():
        if time.monotonic() > end:
            return False
        await asyncio.sleep(0.05)
    return True


async def until_told(work: Awaitable[T]) -> T:
    """Do some work, and end it in good order on SIGTERM too, as on Ctrl-C."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await work
