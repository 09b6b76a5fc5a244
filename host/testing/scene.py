"""A host on the local world, and what its telephones heard."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from livekit import api

from host import registry
from host.dispatch.livekit import livekit_of
from host.dispatch.place import CallResult, metadata_of, place
from host.local.exchange import Exchange, PersonScript, PhoneCall, Subscriber
from host.local.process import HostProcess
from host.local.records import records_of
from host.local.rules import Rule
from host.local.scripts import RULES
from host.local.speech import Sentences
from host.local.speech.locate import Found
from host.local.world import CALLER, World
from host.records.record import CallRecord
from host.settings import Settings

_numbers = count()
LOG_LINES = 12
"""Lines of the host's log that a failure shows."""


@dataclass(repr=False)
class Scene:
    """A local world and a host in it."""

    world: World
    settings: Settings
    host: HostProcess
    folder: Path
    environment: Mapping[str, str]
    """The host's settings, as environment variables."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} in {self.folder}>"  # its settings would fill a page

    @property
    def exchange(self) -> Exchange:
        """The telephone exchange, to connect telephones and place inbound calls."""
        return self.world.exchange

    async def ring(self, whom: str, script: PersonScript | None = None) -> PhoneCall:
        """Call a persona by its name, or a number. Returns at once."""
        number = self.world.numbers.get(whom, whom)
        return await self.exchange.ring(CALLER, number, script)

    async def place(self, persona: str, number: str, **details: Any) -> CallResult:
        """Place a call as `python -m host call` does, and wait for its end."""
        return await place(self.settings, metadata_of(self.settings, persona, number, details))

    async def place_to(
        self, telephone: Subscriber, persona: str, **details: Any
    ) -> tuple[CallResult, PhoneCall, CallRecord]:
        """Let a persona call a telephone at a new number, and wait for the end.

        Returns the result of `host call`, the telephone's side of the call, and the record.
        """
        number = f"+1555300{next(_numbers):04}"
        self.exchange.connect(number, telephone)
        placed = await self.place(persona, number, **details)
        call = await self.exchange.call_to(number)
        return placed, call, await self.over(call)

    async def record(self, room: str, limit: float = 20.0) -> CallRecord:
        """Wait for a call's record. A second one for the same room fails the test."""
        try:
            (record,) = await records_of(self.folder / "calls.jsonl", room, limit)
        except TimeoutError:
            end = "\n".join(self.log().splitlines()[-LOG_LINES:])
            raise TimeoutError(
                f"no record of {room} in {limit:g} s; host.log ends:\n{end}"
            ) from None
        return record

    async def no_room(self, room: str, limit: float = 5.0) -> None:
        """Wait until LiveKit has deleted the room, at most `limit` seconds."""
        async with (
            self.livekit() as livekit,
            asyncio.timeout(limit),
        ):
            request = api.ListRoomsRequest(names=[room])
            while (await livekit.room.list_rooms(request)).rooms:
                await asyncio.sleep(0.05)  # LiveKit has no event for a room's end

    def livekit(self) -> api.LiveKitAPI:
        """Return an API client for the world's LiveKit."""
        return livekit_of(self.settings)

    async def over(self, call: PhoneCall, limit: float = 40.0) -> CallRecord:
        """Wait for the end of a call: at its telephone, its room and its record.

        Raises what the telephone's script raised, once there is a record to tell the other side.
        """
        try:
            await call.ended(limit)
        except Exception:
            if call.done:
                with suppress(TimeoutError):
                    await self.no_room(call.room)
                    await self.record(call.room)
            raise
        await self.no_room(call.room)
        return await self.record(call.room)

    @asynccontextmanager
    async def another_host(
        self,
        folder: Path,
        environment: Mapping[str, str] = MappingProxyType({}),
        *,
        command: str = "start",
    ) -> AsyncIterator[Scene]:
        """Start another host with the same agent name, which shares the calls.

        It has the first host's settings except `environment`, and its own files in `folder`, which
        is created if missing.
        """
        folder.mkdir(parents=True, exist_ok=True)
        together = {**self.environment, **_files(folder), **environment}
        async with _hosting(self.world, folder, together, command=command) as scene:
            yield scene

    async def hang_up_all(self) -> None:
        """Hang up the calls that still go on, as after a failed test, and wait for their ends."""
        left = [call for call in self.exchange.calls if not call.done]
        for call in left:
            await call.hang_up()
            await self.no_room(call.room)

    def log(self) -> str:
        """Return the host's log so far; nothing if it has not been started."""
        log = self.host.log
        return log.read_text(errors="replace") if log.exists() else ""


@asynccontextmanager
async def open_scene(
    folder: Path,
    environment: Mapping[str, str],
    *,
    rules: Iterable[Rule] = RULES,
    profile: str = "now",
    agent_name: str = "host",
    callers: Sentences | None = None,
    agents: Sentences | None = None,
    hosted: bool = True,
    world: World | None = None,
) -> AsyncIterator[Scene]:
    """Start a world and a host in it, with `environment` added to the world's settings.

    `folder` receives the host's log and call records; `rules` are the local model's answers.
    With `hosted=False`, no host is started: `another_host` of the scene starts each.
    `callers` and `agents` are what each side says, for a server beside the world that hears or
    speaks, too. `world` is another one than these make, not started.
    """
    async with AsyncExitStack() as up:
        world = world or World(
            profile=profile, rules=rules, agent_name=agent_name, callers=callers, agents=agents
        )
        await up.enter_async_context(world)
        together = {**world.settings, **_files(folder), **environment}
        hosting = _hosting(world, folder, together, numbers=True, hosted=hosted)
        yield await up.enter_async_context(hosting)


@asynccontextmanager
async def _hosting(
    world: World,
    folder: Path,
    environment: Mapping[str, str],
    *,
    numbers: bool = False,
    command: str = "start",
    hosted: bool = True,
) -> AsyncIterator[Scene]:
    """Start a host if `hosted`; `numbers`: assign its personas' numbers in the world."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.chdir(folder)
        settings = registry.read_settings()
        personas = registry.load(settings).personas.values()
    if numbers:
        await world.give_numbers({persona.name: persona.numbers for persona in personas})
    process = HostProcess(environment, folder / "host.log", cwd=folder, command=command)
    async with process if hosted else nullcontext():
        yield Scene(world, settings, process, folder, environment)


def _files(folder: Path) -> dict[str, str]:
    """Return the settings of files that hosts must not share."""
    return {
        "HOST_CALL_LOG": str(folder / "calls.jsonl"),
        "HOST_STATE_DIR": str(folder / "state"),
        "HOST_RECORDINGS_DIR": str(folder / "recordings"),
    }


def heard(call: PhoneCall, text: str) -> list[Found]:
    """Return where the telephone heard a text of the persona, in seconds from the answer."""
    return call.find(text)


def heard_once(call: PhoneCall, text: str) -> Found:
    """Assert that a text was heard exactly once, from its first sound to its last."""
    found = heard(call, text)
    if len(found) != 1 or not found[0].whole:
        wav = Path(tempfile.mkdtemp(prefix="heard-")) / "call.wav"
        call.save_wav(wav)
        words = "; ".join(f"{word.start:.1f} {word.text}" for word in call.heard)
        raise AssertionError(f"{text!r} is not there once and whole: {found}; {words}; see {wav}")
    return found[0]


def not_heard(call: PhoneCall, text: str) -> None:
    """Assert that no part of a text was heard."""
    assert not heard(call, text), f"{text!r} was heard: {heard(call, text)}"
