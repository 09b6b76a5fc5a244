"""A host on a world with real SIP, in a network of its own where the machine allows one."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from livekit import api
from turns import while_a_world_starts

from host.base.errors import HostError
from host.base.paths import EXAMPLE_PERSONAS
from host.local.sip import Lines, SipWorld, find_redis, find_sip
from host.local.sip.build import require_libraries
from host.local.sip.world import SOFTPHONE
from host.records.outcome import Outcome
from host.records.record import CallRecord
from host.server.live_calls import LiveCalls
from host.testing import Scene, open_scene
from user_agents import sipp, softphone
from user_agents.distance import LOOPBACK, distance
from user_agents.namespace import ADDRESS, network_of_its_own
from user_agents.sipp import Sipp
from user_agents.softphone import Softphone

HERE = Path(__file__).parent
PLACING_LIMIT = 90.0
"""Seconds that a call of a test may take, from the command to its outcome."""
OVER_SIP = [
    pytest.mark.whole("SIP is of packets, and its programs are processes"),
    pytest.mark.xdist_group("sip"),
]
"""The marks of calls that share a world, and the network of their worker."""


def require_sip() -> None:
    """Skip a test where there is no livekit-sip, and none can be built, or no user agent."""
    if not (softphone.is_here() and sipp.is_here()):
        pytest.skip("no SIP user agent: apt-get install baresip-core sip-tester")
    if find_redis() is None:
        pytest.skip("no Redis: apt-get install redis-server")
    if find_sip() is None:
        try:
            require_libraries()
        except HostError as error:
            pytest.skip(str(error))


@asynccontextmanager
async def sip_scene(
    folder: Path, *, password: str = "", hosted: bool = True
) -> AsyncIterator[Scene]:
    """Bring up a world with SIP, and a host with the examples and the personas of this folder.

    With a password, it listens on the network, which is the namespace's other address.
    """
    require_sip()
    (folder / "personas").mkdir(parents=True)
    for source in (*EXAMPLE_PERSONAS.glob("[!_.]*"), *(HERE / "personas").glob("[!_.]*")):
        (folder / "personas" / source.name).symlink_to(source)
    environment = {
        "HOST_CONFIG": str(HERE / "host.toml"),
        "HOST_PERSONAS_DIR": str(folder / "personas"),
    }
    with network_of_its_own() as own:
        if password and not own:
            pytest.skip("the machine allows no network namespace, which has another address")
        lines = Lines(ADDRESS, password=password) if password else Lines()
        async with AsyncExitStack() as stack:
            async with while_a_world_starts():
                opened = open_scene(folder, environment, world=SipWorld(lines), hosted=hosted)
                scene = await stack.enter_async_context(opened)
            yield scene


@asynccontextmanager
async def calls_of(scene: Scene, folder: Path) -> AsyncIterator[SipCalls]:
    """Give one test its calls; those that it leaves are hung up, whatever became of it."""
    calls = SipCalls(scene, folder)
    try:
        yield calls
    finally:
        await calls.hang_up_all()


class SipCalls:
    """What one test needs of a scene: user agents, addresses, and the records of its calls."""

    def __init__(self, scene: Scene, folder: Path) -> None:
        assert isinstance(scene.world, SipWorld)
        self.scene, self.world, self._folder = scene, scene.world, folder
        self._agents = count()
        self._log = scene.folder / "calls.jsonl"
        self._recorded = len(self._records())
        scene.world.forget()  # what other tests have said

    def softphone(self, port: int = 5060, **options: Any) -> AbstractAsyncContextManager[Softphone]:
        """Run a baresip."""
        self.world.callers.add(options.get("says", ""))
        return softphone.softphone(self._new(), self.world.agents, port, **options)

    @asynccontextmanager
    async def caller(
        self, whom: str, *, from_afar: bool = False, **options: Any
    ) -> AsyncIterator[Softphone]:
        """Run a baresip that dials a persona's name, or a number.

        From afar, SIP takes as long as on the way to a trunk: see `distance`.
        """
        address = self.world.address_of(whom)
        async with AsyncExitStack() as stack:
            phone = await stack.enter_async_context(self.softphone(**options))
            if from_afar:
                way = distance(phone.port, self.world.bridge.port)
                address = f"sip:{whom}@{LOOPBACK}:{await stack.enter_async_context(way)}"
            await phone.command("dial", address)
            yield phone

    def sipp(
        self, scenario: str, port: int = 5060, *, status: str = ""
    ) -> AbstractAsyncContextManager[Sipp]:
        """Run a SIPp."""
        return sipp.sipp(self._new(), scenario, port, status=status)

    async def record(self, limit: float = 30.0) -> CallRecord:
        """Wait for the record of the test's next call, and the end of its room."""
        async with asyncio.timeout(limit):
            while len(self._records()) <= self._recorded:
                await asyncio.sleep(0.05)  # another process writes it: there is no event
        record = CallRecord.model_validate_json(self._records()[self._recorded])
        self._recorded += 1
        await self.scene.no_room(record.room)
        return record

    async def rooms(self) -> list[str]:
        """Return the rooms that there are."""
        async with self.scene.livekit() as livekit:
            listed = await livekit.room.list_rooms(api.ListRoomsRequest())
        return [room.name for room in listed.rooms]

    async def hang_up_all(self) -> None:
        """Hang up what goes on, and wait until it is over and recorded."""
        async with self.scene.livekit() as livekit:
            for room in await self.rooms():
                with suppress(api.ServerError):  # it was over by itself
                    await livekit.room.delete_room(api.DeleteRoomRequest(room=room))
        await self.no_room_is_left()
        async with asyncio.timeout(30):
            while LiveCalls(self.scene.settings).read().live:
                await asyncio.sleep(0.1)  # other processes write it

    async def no_room_is_left(self, limit: float = 30.0) -> None:
        """Wait until all calls are over."""
        async with asyncio.timeout(limit):
            while await self.rooms():
                await asyncio.sleep(0.1)  # LiveKit has no event for a room's end

    async def place(self, persona: str, **details: str) -> tuple[Outcome, CallRecord]:
        """Let a persona call the softphone; return the outcome by `host call`, and the record.

        The command is a process of this network. In this process, LiveKit's SDK would connect from
        the network in which another test has used it first.
        """
        words = (f"{name}={value}" for name, value in details.items())
        command = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "host", "call", persona, SOFTPHONE, *words, "--json"),
            cwd=self.scene.folder,
            env={**os.environ, **self.scene.environment},
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            told, _ = await asyncio.wait_for(command.communicate(), PLACING_LIMIT)
        finally:
            if command.returncode is None:
                command.kill()
        return Outcome(json.loads(told)["outcome"]), await self.record()

    def _records(self) -> list[str]:
        return self._log.read_text().split("\n")[:-1] if self._log.exists() else []

    def _new(self) -> Path:
        return self._folder / f"agent-{next(self._agents)}"
