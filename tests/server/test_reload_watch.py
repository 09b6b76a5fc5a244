"""What is saved during development is noticed once, and when the save is complete."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any, ParamSpec

import pytest
from deployment import Deployment
from in_memory.clock import VirtualClockLoop
from waiting import meanwhile

from host.server.reload.watch import EVERY, SETTLED, watch
from host.settings import load_settings

SOON = 2 * (EVERY + SETTLED)

_P = ParamSpec("_P")


def in_virtual_time(test: Callable[_P, Coroutine[Any, Any, None]]) -> Callable[_P, None]:
    """Run a test on a loop in which waiting takes no time."""

    @wraps(test)
    def run(*args: _P.args, **kwargs: _P.kwargs) -> None:
        with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
            runner.run(test(*args, **kwargs))

    return run


class Watched:
    """How often a reload was asked for."""

    def __init__(self) -> None:
        self.times = 0

    def reload(self) -> None:
        """Count."""
        self.times += 1

    async def after(self, seconds: float = SOON) -> int:
        """Wait, and return how many reloads there were meanwhile."""
        before = self.times
        await asyncio.sleep(seconds)
        return self.times - before


@asynccontextmanager
async def watching(deployment: Deployment) -> AsyncIterator[Watched]:
    """Have a deployment watched."""
    deployment.persona("desk")
    deployment.write("plugins/crm/__init__.py", "")
    deployment.write("host.toml", "")
    watched, settings = Watched(), load_settings()
    async with meanwhile(watch(lambda: settings, watched.reload, time.time() + 60)):
        assert await watched.after() == 0
        yield watched


@pytest.mark.parametrize(
    "file",
    [
        "personas/desk.py",
        "personas/new.py",
        "personas/_shared.py",
        "personas/desk.rules.toml",
        "personas/prompt.md",
        "plugins/crm/__init__.py",
        "plugins/crm/deep.py",
        "host.toml",
    ],
)
@in_virtual_time
async def test_a_saved_file_is_reloaded_once(deployment: Deployment, file: str) -> None:
    async with watching(deployment) as watched:
        deployment.write(file, "# saved")
        assert await watched.after() == 1
        assert await watched.after() == 0
        (deployment.folder / file).unlink()
        assert await watched.after() == 1


@pytest.mark.parametrize(
    "file",
    [
        "personas/.desk.py.swp",
        "personas/desk.py~",
        "personas/__pycache__/desk.cpython-311.pyc",
        "personas/calls.jsonl",
        "personas/.venv/lib/x.py",
        "personas/data/x.py",
        "notes.py",
    ],
)
@in_virtual_time
async def test_what_is_no_part_of_the_deployment_is_not(deployment: Deployment, file: str) -> None:
    async with watching(deployment) as watched:
        deployment.write(file, "# saved")
        assert await watched.after() == 0


@in_virtual_time
async def test_a_save_of_several_steps_is_reloaded_when_it_is_complete(
    deployment: Deployment,
) -> None:
    async with watching(deployment) as watched:
        file = deployment.folder / "personas/desk.py"
        file.write_text("")  # an editor truncates
        for line in range(20):
            await asyncio.sleep(SETTLED / 2)
            with open(file, "a") as part:
                part.write(f"# {line}\n")
            assert watched.times == 0, "it was reloaded before the save was complete"
        assert await watched.after() == 1


@in_virtual_time
async def test_a_file_that_another_one_replaces_is_reloaded_whatever_its_times(
    deployment: Deployment,
) -> None:
    async with watching(deployment) as watched:
        file = deployment.folder / "personas/desk.py"
        facts = file.stat()
        new = deployment.folder / "personas/.desk.new"
        new.write_bytes(file.read_bytes()[::-1])
        os.utime(new, ns=(facts.st_atime_ns, facts.st_mtime_ns))
        new.rename(file)
        assert await watched.after() == 1


@in_virtual_time
async def test_folders_may_come_and_go(deployment: Deployment) -> None:
    async with watching(deployment) as watched:
        plugins = deployment.folder / "plugins"
        plugins.rename(deployment.folder / "away")
        assert await watched.after() == 1
        (deployment.folder / "away").rename(plugins)
        assert await watched.after() == 1


@in_virtual_time
async def test_dotenv_takes_a_restart(
    deployment: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    async with watching(deployment) as watched:
        deployment.write(".env", "A=1")
        assert await watched.after() == 0
        assert caplog.messages == [".env takes effect after a restart"]


@in_virtual_time
async def test_what_was_saved_while_the_host_started_is_reloaded(deployment: Deployment) -> None:
    old, watched, settings = deployment.persona("desk"), Watched(), load_settings()
    os.utime(old, (1, 1))
    async with meanwhile(watch(lambda: settings, watched.reload, time.time() - 60)):
        assert await watched.after() == 0
    deployment.persona("night")
    async with meanwhile(watch(lambda: settings, watched.reload, time.time() - 60)):
        assert await watched.after() == 1
        assert await watched.after() == 0


@in_virtual_time
async def test_the_folders_of_new_settings_are_watched(deployment: Deployment) -> None:
    del os.environ["HOST_PERSONAS_DIR"]
    deployment.write("host.toml", "")
    watched, settings = Watched(), [load_settings()]

    def reloads() -> None:
        watched.reload()
        settings[:] = [load_settings()]

    deployment.write("others/night.py", "")
    async with meanwhile(watch(lambda: settings[0], reloads, time.time() + 60)):
        await watched.after()
        deployment.write("host.toml", 'personas_dir = "others"')
        await watched.after()
        before = watched.times
        deployment.write("others/night.py", "# saved")
        await watched.after()
        assert watched.times == before + 1
