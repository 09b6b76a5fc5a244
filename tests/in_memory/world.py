"""The local world in memory, and a host in it: `open_scene` gives what whole-call tests play on.

The tests see a `Scene` as they do with real processes and sound: they ring, dial, listen and read
records. A call of a quarter of an hour takes as long as its work does.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import pytest

from host import registry
from host.local.exchange.rules import normalize
from host.local.process import OF_A_DEPLOYMENT
from host.local.rules import Rule
from host.local.speech import Sentences
from host.local.world import OUR_NUMBER
from host.privacy.logs import Masked, keep_private
from host.privacy.mask import Mask, current, use
from host.settings import Settings
from host.speech.prompts.render import make_all, make_sounds
from host.testing import Scene

from . import shortcuts
from .api import Api, answered_by
from .host import MemoryHost
from .sdk import Sdk, answered_from_memory
from .server import Server
from .speech import Listener, Speaker, Thinker
from .telephones import MemoryExchange

KEY, SECRET = "devkey", "a secret of 32 characters or more"
URL = "ws://livekit.invalid"

_MASK = import_module("host.privacy.mask")
"""Private: what masks the output of this process; each scene's host has its own."""
_worlds: list[MemoryWorld] = []
_sounds: dict[str, bytes] = {}
_known: dict[frozenset[tuple[str, str]], tuple[Settings, Mask]] = {}
"""Settings, and what is masked with them, by the environment that they were read from."""
FILES = ("call_log", "call_database", "state_dir", "recordings_dir")
OF_A_SCENE = {f"HOST_{name.upper()}" for name in (*FILES, "trunk")}
"""Settings that are a scene's own."""


class MemoryWorld:
    """All that a host needs of the outside."""

    def __init__(self, rules: Iterable[Rule], profile: str, agent_name: str) -> None:
        self.server = Server()
        self.exchange = MemoryExchange(KEY, SECRET, agent_name, profile=profile)
        self.api = Api(self.server, self.exchange.sip, KEY, SECRET)
        self.deepgram, self.llm, self.cartesia = Listener(), Thinker(rules), Speaker()
        self.agent = agent_name
        self.callers, self.agents = Sentences(), Sentences()
        """What ears would have to know; here, all is read."""
        self.trunk = ""
        self.numbers: dict[str, str] = {}
        """Persona -> a number that rings it."""

    def forget(self) -> None:
        """Nothing is learned here."""

    def give_numbers(self, personas: Mapping[str, Iterable[str]]) -> None:
        """Give every persona a number that rings it, as the real world does.

        The exchange looks at all that it has for each new route: it makes one when it is rung.
        """
        for at, (persona, numbers) in enumerate(sorted(personas.items())):
            own = list(numbers)
            for number in own:
                if number != OUR_NUMBER:
                    self.exchange.routes[normalize(number)] = "call"
            if not own:
                own = [f"+1555100{at:04}"]
                self.exchange.routes[own[0]] = persona
            self.numbers[persona] = own[0]


def world() -> MemoryWorld:
    """Give the world that is open, for the plugin that stands for its providers."""
    return _worlds[-1]


@dataclass(repr=False)
class MemoryScene(Scene):
    """A scene whose host is in this process."""

    memory: MemoryHost
    server: Server

    async def no_room(self, room: str, limit: float = 5.0) -> None:
        """Wait until there is no such room. Here there is an event for it."""
        async with asyncio.timeout(limit):
            while there := self.server.rooms.get(room):
                await there.closed.wait()

    async def keep_sounds(self) -> None:
        """Have what is said without a provider on disk, as it is soon after a host has started.

        It is made once, and copied for each scene.
        """
        folder = self.settings.state_dir / "sounds"
        if not _sounds:
            assert await make_sounds(self.settings) == []
            _sounds.update((file.name, file.read_bytes()) for file in folder.iterdir())
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in _sounds.items():
            (folder / name).write_bytes(content)

    async def render(self, *personas: str) -> None:
        """Have on disk all that these personas say in each of their calls."""
        settings = self.settings.model_copy(update={"render_ahead": True})
        assert await make_all(settings, personas) == []

    def log(self) -> str:
        """What the host has logged so far."""
        return (self.folder / "host.log").read_text(errors="replace")


@asynccontextmanager
async def open_scene(
    folder: Path,
    environment: Mapping[str, str],
    *,
    rules: Iterable[Rule] = (),
    profile: str = "now",
    agent_name: str = "host",
) -> AsyncIterator[MemoryScene]:
    """Bring up a world in memory and a host in it; the loop must have a virtual clock."""
    made = MemoryWorld(rules, profile, agent_name)
    sdk = Sdk(made.server, KEY, SECRET)
    async with AsyncExitStack() as up:
        patch = up.enter_context(pytest.MonkeyPatch.context())
        up.enter_context(answered_from_memory(sdk))
        up.enter_context(answered_by(made.api))
        _worlds.append(made)
        up.callback(_worlds.remove, made)
        made.trunk = await made.exchange.trunk(OUR_NUMBER)
        await made.exchange.route(OUR_NUMBER, agent=agent_name)
        together = {**_settings(made, folder), **environment}
        patch.chdir(Path(environment["HOST_PERSONAS_DIR"]).parent)
        for name in [name for name in os.environ if name.startswith(OF_A_DEPLOYMENT)]:
            patch.delenv(name)
        for name, value in together.items():
            patch.setenv(name, value)
        patch.setattr(_MASK, "_used", [])
        shortcuts.take(patch)
        settings = _read_and_mask(together)
        personas = registry.load(settings).personas.values()
        made.give_numbers({persona.name: persona.numbers for persona in personas})
        memory = MemoryHost(settings, sdk)
        memory.open()
        up.push_async_callback(asyncio.sleep, 0.1)  # who is removed from a room is told so
        up.callback(made.server.close)
        up.enter_context(_logging_to(folder / "host.log"))
        up.push_async_callback(memory.close)
        await up.enter_async_context(made.exchange)
        yield MemoryScene(
            made,  # type: ignore[arg-type]
            settings,
            memory,  # type: ignore[arg-type]
            folder,
            together,
            memory,
            made.server,
        )


@asynccontextmanager
async def open_project(
    project: Path, folder: Path, *, rules: Iterable[Rule] = (), agent_name: str = "host"
) -> AsyncIterator[MemoryScene]:
    """Bring up a host in memory that serves a project; its providers are those in memory."""
    providers = project / "plugins" / "in_memory_providers.py"
    providers.symlink_to(Path(__file__).with_name("plugin.py"))
    environment = {
        "HOST_CONFIG": str(project / "host.toml"),
        "HOST_PERSONAS_DIR": str(project / "personas"),
        "HOST_PLUGINS_DIR": str(project / "plugins"),
        "HOST_CALL_DATABASE": str(folder / "calls.db"),
    }
    async with open_scene(folder, environment, rules=rules, agent_name=agent_name) as scene:
        yield scene


def _read_and_mask(environment: Mapping[str, str]) -> Settings:
    """Read the settings, and mask what they keep private.

    It takes longer than many calls, so it is done once, but for what is a scene's own.
    """
    own = {name: Path(environment[f"HOST_{name.upper()}"]) for name in FILES}
    known = frozenset(
        (name, value)
        for name, value in environment.items()
        if name not in OF_A_SCENE and not name.startswith("TEST_")
    )
    if known not in _known:
        settings = registry.read_settings(dotenv=False)
        keep_private(settings)
        _known[known] = settings, current()
    settings, mask = _known[known]
    use(mask)
    return settings.model_copy(update={**own, "trunk": environment["HOST_TRUNK"]})


def _settings(made: MemoryWorld, folder: Path) -> dict[str, str]:
    return {
        "LIVEKIT_URL": URL,
        "LIVEKIT_API_KEY": KEY,
        "LIVEKIT_API_SECRET": SECRET,
        "HOST_AGENT_NAME": made.agent,
        "HOST_TRUNK": made.trunk,
        "HOST_ALLOW_NUMBERS": "+1555*",
        "HOST_CALLING_HOURS": "00:00-24:00",
        "HOST_MAX_ATTEMPTS_A_DAY": "0",
        "HOST_TURN_DETECTION": "vad",
        "HOST_CALL_LOG": str(folder / "calls.jsonl"),
        "HOST_STATE_DIR": str(folder / "state"),
        "HOST_RECORDINGS_DIR": str(folder / "recordings"),
    }


@contextmanager
def _logging_to(file: Path) -> Iterator[None]:
    """Write what is logged into a file until the end of the block."""
    root, host = logging.getLogger(), logging.getLogger("host")
    handler, before = logging.FileHandler(file), host.level
    handler.setFormatter(Masked("%(asctime)s %(levelname)-7s %(message)s", "%H:%M:%S"))
    root.addHandler(handler)
    host.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.removeHandler(handler)
        host.setLevel(before)
        handler.close()
