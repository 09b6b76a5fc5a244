"""A host whose settings open nothing: who called, and what was typed, is nowhere."""

from __future__ import annotations

import asyncio
import json
import os
import re
import stat
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from canaries import NUMBER, SECRETS, found_below
from scene import HERE, a_scene, host_calls

from host.local.phone import Line, Telephone
from host.records.outcome import Outcome
from host.testing import Scene, heard_once

pytestmark = pytest.mark.whole("all that processes write is searched")

SAID = "What day is it?"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def private(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    """The host of the other tests, without what its host.toml opens."""
    folder = tmp_path_factory.mktemp("private")
    toml = (HERE / "host.toml").read_text()
    closed, opened = re.subn(r"^(record|log)_\w+ = true\n", "", toml, flags=re.MULTILINE)
    assert opened == 3
    (folder / "host.toml").write_text(closed)
    # The witness among the plugins writes down whatever it is told, as any plugin may.
    more = {"HOST_CONFIG": str(folder / "host.toml"), "TEST_EVENTS": os.devnull}
    async with a_scene(folder, "now", more, agent_name="private") as scene:
        assert not scene.settings.log_numbers
        assert not scene.settings.record_numbers
        yield scene


async def asks(line: Line) -> None:
    await line.heard("what can I do for you")
    await line.say(SAID)
    await line.heard("today is monday")
    await line.press("4")
    await line.press("7")
    await line.silence_for(1.0)
    await line.hang_up()


def all_told(scene: Scene) -> bytes:
    """Everything that is below the folder of a host."""
    files = (file for file in scene.folder.rglob("*") if file.is_file() and not file.is_symlink())
    return b"\n".join(file.read_bytes() for file in files)


async def nowhere(scene: Scene) -> None:
    """Assert that no canary is below the folder of a host, once it has no checkpoint."""
    async with asyncio.timeout(10):
        while list((scene.settings.state_dir / "unfinished").glob("*.json")):
            await asyncio.sleep(0.05)  # the call's process removes it: there is no event
    assert list(found_below(scene.folder)) == []


@pytest.mark.promise("Numbers are masked everywhere, and calls can be found by number")
async def test_who_called_is_nowhere_and_the_call_can_be_found(private: Scene) -> None:
    call = await private.exchange.ring(NUMBER, "+15550001101", asks)
    record = await private.over(call)
    heard_once(call, "Today is Monday.")
    assert record.outcome is Outcome.COMPLETED
    assert record.number is not None
    assert record.number.startswith("+1…57~")
    assert NUMBER in call.room
    assert record.room == call.room.replace(NUMBER, "+1…57")
    assert [key.digit for key in record.keys] == ["•", "•"]
    assert SAID in [line.text for line in record.transcript]
    await nowhere(private)
    shown = await asyncio.to_thread(host_calls, private, "list", "--number", NUMBER, "--json")
    assert [each["id"] for each in json.loads(shown)["calls"]] == [record.id]
    shown = await asyncio.to_thread(host_calls, private, "show", call.room, "--json")
    assert json.loads(shown)["id"] == record.id


async def test_who_was_called_is_nowhere(private: Scene) -> None:
    async def answers(line: Line) -> None:
        await line.say("Hello?")
        await line.silence_for(2.0)
        await line.hang_up()

    private.exchange.connect(NUMBER, Telephone(answer_after=0.5, script=answers))
    placed = await private.place("leaves", NUMBER, name="Ann")
    record = await private.record(placed.room)
    assert (record.direction, record.room) == ("outbound", placed.room)
    assert record.number is not None
    assert record.number.startswith("+1…57~")
    await nowhere(private)


async def test_what_was_said_is_in_no_log(private: Scene) -> None:
    call = await private.exchange.ring(NUMBER, "+15550001101", asks)
    await private.over(call)
    assert SAID not in private.log()
    assert "Today is Monday" not in private.log()


async def test_no_key_of_livekit_is_anywhere(private: Scene) -> None:
    secret = private.settings.livekit_api_secret.get_secret_value()
    assert len(secret) >= 8
    for private_one in (secret, *SECRETS.values()):
        assert private_one.encode() not in all_told(private)


async def test_all_that_the_host_wrote_is_its_owners_only(private: Scene) -> None:
    call = await private.exchange.ring(NUMBER, "+15550001101", asks)
    await private.over(call)
    await nowhere(private)  # nothing is under way any more
    ours = [private.settings.state_dir, private.settings.call_log, private.folder / "calls.db"]
    files = [file for one in ours for file in (one, *one.rglob("*"))]
    assert len(files) > len(ours)
    for file in files:
        assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0, file
