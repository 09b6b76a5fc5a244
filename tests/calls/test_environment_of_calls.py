"""What a running host gives its calls, and where the local world listens."""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Iterator

import psutil
import pytest
from scene import events

from host.local.phone import Line
from host.records.outcome import Outcome
from host.testing import Scene

pytestmark = pytest.mark.whole("processes have environments")

SECRETS = ("LIVEKIT_API_SECRET", "LIVEKIT_API_KEY", "OPENAI_API_KEY", "DEEPGRAM_API_KEY")


def listening(process: psutil.Process) -> Iterator[str]:
    """The addresses at which a process waits for connections, or for packets as a server does."""
    server = "livekit-server" in process.name()
    for each in process.net_connections("inet"):
        if each.status == psutil.CONN_LISTEN or (server and not each.raddr):
            yield each.laddr.ip


@pytest.mark.promise("The process of a call has no key in its environment")
async def test_a_call_has_no_key_in_its_environment_and_works(scene: Scene) -> None:
    found: list[dict[str, str]] = []

    async def looks(line: Line) -> None:
        await line.heard("what can I do for you")
        below = psutil.Process(scene.host.pid).children(recursive=True)
        # What makes the apologies is the host's own, and needs the keys of voices.
        for each in below:
            with contextlib.suppress(psutil.NoSuchProcess):
                if "host.speech.prompts" not in each.cmdline():
                    found.append(each.environ())
        await line.say("Thank you and goodbye.")
        await line.stay()

    parent = psutil.Process(scene.host.pid).environ()
    assert set(SECRETS) <= set(parent)
    call = await scene.ring("desk", looks)
    record = await scene.over(call)
    assert (record.outcome, record.ended_by) == (Outcome.COMPLETED, "persona")
    of_calls = [environ for environ in found if "HOST_HEARTBEAT" in environ]
    assert len(of_calls) >= 3
    for environ in of_calls:
        assert not set(SECRETS) & set(environ)
        assert scene.world.livekit.api_secret not in environ.values()
        assert environ["TEST_EVENTS"] == parent["TEST_EVENTS"]


async def test_a_call_imports_no_library_which_would_hold_up_its_sound(scene: Scene) -> None:
    async def asks(line: Line) -> None:
        await line.heard("what can I do for you")
        await line.say("Thank you and goodbye.")
        await line.stay()

    call = await scene.ring("desk", asks)
    await scene.over(call)
    (imported,) = [fact for event, fact in events(scene, call.room) if event == "imported"]
    of_python = ("multiprocessing.popen_forkserver", "multiprocessing.popen_fork")
    assert [name for name in imported.split() if name not in of_python] == []


async def test_everything_local_listens_on_loopback_only(scene: Scene) -> None:
    ours = [psutil.Process(), *psutil.Process().children(recursive=True)]
    assert any("livekit-server" in each.name() for each in ours)
    assert any(each.pid == scene.host.pid for each in ours)
    found = {address for each in ours for address in listening(each)}
    assert found
    assert [each for each in found if not ipaddress.ip_address(each).is_loopback] == []
