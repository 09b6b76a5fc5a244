"""The deployment of the whole-call tests, and what its witness was told."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

from authors import AUTHORS, examples
from canaries import SECRETS
from in_memory.world import MemoryScene
from in_memory.world import open_scene as open_memory_scene
from scripts import RULES as TEST_RULES
from turns import while_a_world_starts
from typer.testing import CliRunner

from host.base.paths import EXAMPLE_PERSONAS
from host.call.live import LINGER
from host.cli import cli
from host.local.exchange import PhoneCall, Subscriber
from host.local.realtime import RealtimeServer
from host.local.rule_files import read_rules
from host.local.scripts import RULES as BUNDLED_RULES
from host.local.speech import Sentences
from host.records.record import CallRecord
from host.testing import Scene, open_scene

HERE = Path(__file__).parent
_PERSONAS = [file.stem for file in (HERE / "personas").glob("*.py")]
RULES = (*TEST_RULES, *read_rules(HERE / "personas", _PERSONAS), *BUNDLED_RULES)
"""What the local model answers in all scenes."""
_numbers = count()


@asynccontextmanager
async def a_scene(
    folder: Path,
    profile: str,
    more: Mapping[str, str] | None = None,
    agent_name: str = "host",
    *,
    hosted: bool = True,
) -> AsyncIterator[Scene]:
    """Bring up a host with the personas and plugins of this folder, or a world that awaits one."""
    for kind in ("personas", "plugins"):
        together(folder, kind)
    environment = {**_environment(folder, folder), **(more or {})}
    callers, agents = Sentences(), Sentences()
    async with AsyncExitStack() as stack:
        async with while_a_world_starts():
            realtime = await stack.enter_async_context(
                RealtimeServer(callers, RULES, agents=agents)
            )
            environment["TEST_REALTIME_URL"] = realtime.url
            opened = open_scene(
                folder,
                environment,
                rules=RULES,
                profile=profile,
                agent_name=agent_name,
                callers=callers,
                agents=agents,
                hosted=hosted,
            )
            scene = await stack.enter_async_context(opened)
        yield scene


@asynccontextmanager
async def a_memory_scene(
    folder: Path,
    deployment: Path,
    profile: str,
    agent_name: str = "host",
    more: Mapping[str, str] | None = None,
) -> AsyncIterator[MemoryScene]:
    """Bring up a host in memory, with the personas and plugins of a deployment."""
    environment = {**_environment(deployment, folder), **(more or {})}
    environment["TEST_REALTIME_URL"] = "http://realtime.invalid"
    async with open_memory_scene(
        folder,
        environment,
        rules=RULES,
        profile=profile,
        agent_name=agent_name,
    ) as scene:
        yield scene


def _environment(deployment: Path, folder: Path) -> dict[str, str]:
    """The settings of a host with the personas and plugins of one folder and files in another."""
    return {
        "HOST_CONFIG": str(HERE / "host.toml"),
        "HOST_PERSONAS_DIR": str(deployment / "personas"),
        "HOST_PLUGINS_DIR": str(deployment / "plugins"),
        "HOST_CALL_DATABASE": str(folder / "calls.db"),
        "TEST_EVENTS": str(folder / "events.jsonl"),
        **SECRETS,
    }


def a_number(scene: Scene, telephone: Subscriber | None = None) -> str:
    """A number that nothing else in this process dials or rings; with a telephone, connected."""
    number = f"+1555400{next(_numbers):04}"
    if telephone is not None:
        scene.exchange.connect(number, telephone)
    return number


def answer_of(call: PhoneCall) -> float:
    """When a call was answered."""
    assert call.answered_at is not None, f"{call} was not answered"
    return call.answered_at


def end_of(call: PhoneCall) -> float:
    """When a call was over."""
    assert call.ended_at is not None, f"{call} is not over"
    return call.ended_at


def length_of(call: PhoneCall) -> float:
    """Seconds of a call, from its answer to its end."""
    return end_of(call) - answer_of(call)


def on_its_way(scene: Scene) -> float:
    """Seconds for which a host must wait after its last word, since sound is on its way so long.

    In memory it is there at once: whether the host has waited is seen there.
    """
    return LINGER - 0.1 if isinstance(scene, MemoryScene) else 0.0


def in_order(record: CallRecord) -> None:
    """Assert that a conversation's times are all there, one after the other."""
    begun = [record.ringing_at, record.dispatched_at]  # a caller rings before we are told
    if record.direction == "outbound":
        begun = [record.dispatched_at, record.dialled_at, record.ringing_at]
    times = [
        *begun,
        record.answered_at,
        record.first_word_at,
        record.ended_at,
    ]
    assert None not in times
    assert times == sorted(time for time in times if time)
    done = [
        *(line.at for line in record.transcript),
        *(tool.at for tool in record.tools),
        *(key.at for key in record.keys),
    ]
    assert all(record.dispatched_at <= at <= record.ended_at for at in done)


def events(scene: Scene, room: str) -> list[tuple[str, str]]:
    """What the witness was told of a call: (event, fact), in order."""
    file = scene.folder / "events.jsonl"
    told = map(json.loads, file.read_text().splitlines() if file.exists() else [])
    return [(event["event"], event["fact"]) for event in told if event["room"] == room]


def checkpoints_of(scene: Scene, room: str) -> list[dict[str, Any]]:
    """What would become the record of the call in a room if its process died now; or nothing."""
    checkpoints = []
    for file in (scene.folder / "state" / "unfinished").glob("*.json"):
        with contextlib.suppress(FileNotFoundError):  # its call has just ended
            checkpoints.append(json.loads(file.read_text()))
    return [checkpoint for checkpoint in checkpoints if checkpoint["state"]["room"] == room]


async def until_greeting_is_kept(scene: Scene, call: PhoneCall) -> None:
    """Wait until another process would know that the call was greeted."""
    await call.pulse.until(
        lambda: any(each["state"]["greeted"] for each in checkpoints_of(scene, call.room)),
        30,
        "a checkpoint of the greeting",
    )


def asked_to_conclude(scene: Scene) -> list[dict[str, Any]]:
    """What the LLM was asked to conclude, in order."""
    return [
        request
        for request in scene.world.llm.requests
        if [tool["function"]["name"] for tool in request["tools"] or ()] == ["conclude"]
    ]


def kill_its_process(scene: Scene, room: str) -> float:
    """Kill the process that has the call in a room; give the time at which that happened.

    Raises ValueError if none has it: it is over, or the host itself ends it.
    """
    if isinstance(scene, MemoryScene):
        scene.memory.kill(room)
    else:
        (checkpoint,) = (each for each in checkpoints_of(scene, room) if not each["unplaced"])
        os.kill(checkpoint["number"], signal.SIGKILL)
    return time.time()


async def logged(scene: Scene, text: str, times: int = 1, limit: float = 15.0) -> None:
    """Wait until a host has logged something so often."""
    async with asyncio.timeout(limit):
        while scene.log().count(text) < times:
            await asyncio.sleep(0.05)  # another process writes it: there is no event


def failed(scene: Scene, call: PhoneCall, event: str) -> bool:
    """Whether the host has logged that hooks of an event of a call failed or took too long.

    In a call's process, each line of the log names the room; in memory, a scene has one call.
    """
    lines = [line for line in scene.log().splitlines() if f"{event} of " in line]
    return any(isinstance(scene, MemoryScene) or call.room in line for line in lines)


def host_calls(scene: Scene, *words: str) -> str:
    """What `python -m host calls` prints for the scene's deployment."""
    if isinstance(scene, MemoryScene):  # no process either
        result = CliRunner().invoke(cli, ["calls", *words])
        assert result.exit_code == 0, result.output
        return result.stdout
    done = subprocess.run(
        [sys.executable, "-m", "host", "calls", *words],
        cwd=scene.folder,
        env={**os.environ, **scene.environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout


def together(folder: Path, kind: str, *, in_memory: bool = False) -> None:
    """Put the tests' personas, with the examples and docs/authors.md's, or plugins into a folder.

    In memory, one plugin stands for all providers.
    """
    (folder / kind).mkdir()
    bundled = EXAMPLE_PERSONAS.glob("[!_.]*") if kind == "personas" else ()
    for source in (*bundled, *(HERE / kind).glob("[!_.]*")):
        (folder / kind / source.name).symlink_to(source)
    if kind == "personas":
        (folder / kind / "dentist.py").write_text(examples(AUTHORS)[0])
    if in_memory:
        plugin = HERE.parent / "in_memory" / "plugin.py"
        (folder / kind / "in_memory_providers.py").symlink_to(plugin)
