"""A world with a host in it, and what a telephone heard there."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from livekit import api
from scripts import RULES

from host.local.exchange import Exchange, PhoneCall
from host.local.process import HostProcess
from host.local.speech import locate
from host.local.speech.locate import Found
from host.local.world import World
from host.place import Placed, metadata_of, place
from host.record import CallRecord
from host.settings import ROOT, Settings, load_settings

HERE = Path(__file__).parent


@dataclass
class Scene:
    """A world with a host in it."""

    world: World
    settings: Settings
    host: HostProcess
    folder: Path
    environment: Mapping[str, str]
    """The settings of the host, as environment variables."""

    @property
    def exchange(self) -> Exchange:
        return self.world.exchange

    async def place(self, persona: str, number: str, **details: Any) -> Placed:
        """Place a call as `python -m host call` does, and wait until it is over."""
        return await place(self.settings, metadata_of(self.settings, persona, number, details))

    async def record(self, room: str, limit: float = 20.0) -> CallRecord:
        """Wait for the record of a call. A second one for the same room fails the test."""
        async with asyncio.timeout(limit):
            while not (found := self._records(room)):
                await asyncio.sleep(0.05)  # it comes from another process: there is no event
        (record,) = found
        return record

    async def no_room(self, room: str, limit: float = 5.0) -> None:
        """Wait until LiveKit has no such room; at most 5 s after a call."""
        async with (
            self.livekit() as livekit,
            asyncio.timeout(limit),
        ):
            request = api.ListRoomsRequest(names=[room])
            while (await livekit.room.list_rooms(request)).rooms:
                await asyncio.sleep(0.05)  # LiveKit has no event for a room's end

    def livekit(self) -> api.LiveKitAPI:
        secret = self.settings.livekit_api_secret.get_secret_value()
        return api.LiveKitAPI(self.settings.livekit_url, self.settings.livekit_api_key, secret)

    async def over(self, call: PhoneCall, limit: float = 40.0) -> CallRecord:
        """Wait until a call is over for its telephone, its room and its record."""
        await call.ended(limit)
        await self.no_room(call.room)
        return await self.record(call.room)

    def log(self) -> str:
        return self.host.log.read_text(errors="replace")

    def events(self, room: str) -> list[tuple[str, str]]:
        """What the test plugin was told of a call: (event, fact), in order."""
        told = []
        file = self.folder / "events.jsonl"
        for line in file.read_text().splitlines() if file.exists() else []:
            event = json.loads(line)
            if event["room"] == room:
                told.append((event["event"], event["fact"]))
        return told

    def _records(self, room: str) -> list[CallRecord]:
        file = self.folder / "calls.jsonl"
        lines = file.read_text().splitlines() if file.exists() else []
        records = (CallRecord.model_validate_json(line) for line in lines)
        return [record for record in records if record.room == room]


@asynccontextmanager
async def a_scene(
    folder: Path, profile: str, more: Mapping[str, str] | None = None, agent_name: str = "host"
) -> AsyncIterator[Scene]:
    """Bring up a world and a host in it, with the personas and plugins of this folder."""
    async with AsyncExitStack() as up:
        world = await up.enter_async_context(
            World(profile=profile, rules=RULES, agent_name=agent_name)
        )
        environment = {
            **world.settings,
            "HOST_CONFIG": str(HERE / "host.toml"),
            "HOST_PERSONAS_DIR": str(HERE / "personas"),
            "HOST_PLUGINS_DIR": str(_plugins(folder)),
            "HOST_CALL_LOG": str(folder / "calls.jsonl"),
            "TEST_EVENTS": str(folder / "events.jsonl"),
            **(more or {}),
        }
        with pytest.MonkeyPatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            patch.chdir(folder)
            settings = load_settings()
        for table in settings.personas.values():
            for number in table.numbers:
                await world.exchange.route(number, agent=agent_name)
        host = await up.enter_async_context(
            HostProcess(environment, folder / "host.log", cwd=folder)
        )
        yield Scene(world, settings, host, folder, environment)


def _plugins(folder: Path) -> Path:
    """The bundled plugins, and the tests' own beside them."""
    together = folder / "plugins"
    together.mkdir()
    for file in (*(ROOT / "plugins").glob("*.py"), *(HERE / "plugins").glob("*.py")):
        (together / file.name).symlink_to(file)
    return together


def heard(call: PhoneCall, text: str) -> list[Found]:
    """Where the telephone heard a text of the persona: seconds from its answer."""
    return locate(call.recording[:, 1], 8000, text)


def heard_once(call: PhoneCall, text: str) -> Found:
    """Assert that a text arrived exactly once, from its first sound to its last."""
    found = heard(call, text)
    if len(found) != 1 or not found[0].whole:
        wav = Path(tempfile.mkdtemp(prefix="heard-")) / "call.wav"
        call.save_wav(wav)
        words = "; ".join(f"{word.start:.1f} {word.text}" for word in call.heard)
        raise AssertionError(f"{text!r} is not there once and whole: {found}; {words}; see {wav}")
    return found[0]


def not_heard(call: PhoneCall, text: str) -> None:
    """Assert that nothing of a text arrived."""
    assert not heard(call, text), f"{text!r} was heard: {heard(call, text)}"
