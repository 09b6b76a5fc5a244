"""How a running host is told to reload, and how its calls learn of new code."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from deployment import Deployment
from reloading import said_by, says, start

from host import registry
from host.base.errors import HostError
from host.runner.newest import ADDRESS, newest
from host.runner.worker import Worker
from host.server.reload import Control, Reloader, reloads_on_hangup
from host.server.reload.control import reload_running


@pytest.fixture
async def running(served: Deployment) -> AsyncIterator[Reloader]:
    """A host that listens."""
    reloader = start()
    async with Control(reloader).listening():
        yield reloader


async def test_a_command_has_the_host_reload_and_is_told_what_came_of_it(
    served: Deployment, running: Reloader
) -> None:
    state_dir = running.settings.state_dir
    says(served, "desk", "two")
    (result,) = (await reload_running(state_dir)).values()
    assert (result.changed, result.refused) == (["personas/desk.py"], False)
    assert said_by(running.loaded) == "two"
    served.write("personas/desk.py", "def (")
    told = await reload_running(state_dir)
    assert told[os.getpid()].lines == [
        "not reloaded, the last good code stays: personas/desk.py:1: SyntaxError: invalid syntax"
    ]


async def test_where_a_host_listens_is_known_to_its_user_while_it_runs(served: Deployment) -> None:
    reloader = start()
    folder = reloader.settings.state_dir / "hosts"
    folder.mkdir(parents=True)
    (folder / "4194305.json").write_text("{")  # of a host on a full disk
    async with Control(reloader).listening():
        (note,) = folder.iterdir()
        assert note.stat().st_mode & 0o777 == 0o600
        address = Path(json.loads(note.read_text())["address"])
        assert address.parent.stat().st_mode & 0o777 == 0o700
    assert not note.exists()
    assert not address.parent.exists()
    with pytest.raises(HostError, match="no host is running with the state_dir .host"):
        await reload_running(reloader.settings.state_dir)


async def test_a_host_that_was_killed_is_not_asked(served: Deployment) -> None:
    reloader = start()
    folder = reloader.settings.state_dir / "hosts"
    async with Control(reloader).listening():
        (note,) = folder.iterdir()
        facts = json.loads(note.read_text())
    (folder / "1.json").write_text(json.dumps(facts | {"began": 1.0}))
    with pytest.raises(HostError, match="no host is running"):
        await reload_running(reloader.settings.state_dir)
    async with Control(reloader).listening():
        assert not (folder / "1.json").exists()


@pytest.mark.parametrize("said", [b"", b"nonsense\n", b'{"want": 3}\n', b"x" * 70_000])
async def test_a_host_survives_whatever_is_said_to_it(
    served: Deployment, running: Reloader, said: bytes
) -> None:
    reader, writer = await asyncio.open_unix_connection(os.environ[ADDRESS])
    try:
        writer.write(said)
        writer.write_eof()
        assert await reader.read() == b""
    except ConnectionError:
        pass  # it does not read all of the last one
    writer.close()
    assert await newest(0) is None


async def test_a_process_that_was_started_before_a_reload_gets_its_code(
    served: Deployment, running: Reloader
) -> None:
    old = running.loaded.code.edition
    assert await newest(old) is None
    says(served, "desk", "two")
    running.reload()
    says(served, "desk", "three")  # nobody has validated it yet
    with registry.forgotten():  # as another process
        found = await newest(old)
        assert found is not None
        settings, code = found
        assert said_by(registry.load(settings)) == "two"
    assert await newest(code.edition) is None


async def test_a_call_in_a_process_that_was_ready_before_has_the_new_code(
    served: Deployment, running: Reloader
) -> None:
    worker = Worker(running.settings, running.loaded.code)
    served.write("host.toml", "max_calls = 3")
    says(served, "desk", "two")
    running.reload()
    with registry.forgotten():
        await worker.catch_up()
        assert said_by(registry.load(worker.settings)) == "two"
    assert worker.settings.max_calls == 3


async def test_a_call_goes_on_with_its_own_code_if_the_host_is_gone(
    served: Deployment, caplog: pytest.LogCaptureFixture
) -> None:
    os.environ[ADDRESS] = str(served.folder / "nobody")
    assert await newest(0) is None
    assert "a call has not got the newest code: FileNotFoundError" in caplog.text


async def test_the_processes_that_start_later_get_the_new_code_at_once(
    served: Deployment, running: Reloader
) -> None:
    worker = Worker(running.settings, running.loaded.code)
    running.follow(worker.use)
    says(served, "desk", "two")
    running.reload()
    assert worker.code is running.loaded.code
    assert worker.settings is running.settings


async def test_sighup_reloads(served: Deployment) -> None:
    reloaded, stopped = asyncio.Event(), asyncio.Event()
    with reloads_on_hangup(reloaded.set, stopped.set):
        signal.raise_signal(signal.SIGHUP)
        await asyncio.wait_for(reloaded.wait(), 5)
    assert not stopped.is_set()


async def test_a_closed_terminal_stops_the_host(served: Deployment) -> None:
    window, terminal = os.openpty()
    reloaded, stopped = asyncio.Event(), asyncio.Event()
    with reloads_on_hangup(reloaded.set, stopped.set, terminal=terminal):
        signal.raise_signal(signal.SIGHUP)
        await asyncio.wait_for(reloaded.wait(), 5)
        assert not stopped.is_set()
        os.close(window)
        signal.raise_signal(signal.SIGHUP)
        await asyncio.wait_for(stopped.wait(), 5)
    os.close(terminal)


def test_settings_are_handed_over_with_their_plugins_values(served: Deployment) -> None:
    served.write("host.toml", "max_calls = 3")
    settings = start().settings
    given, _ = registry.take_over(registry.hand_over(settings))
    assert given == settings
    assert given.plugin_values == settings.plugin_values
