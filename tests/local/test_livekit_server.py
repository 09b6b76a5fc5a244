"""A real livekit-server on loopback: found, started, restarted, and never left over."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from livekit import api, rtc

from host.base.errors import HostError
from host.local.go import go_version
from host.local.livekit import LiveKitServer, build_server, find_server
from host.local.livekit.build import built_server


@pytest.fixture(autouse=True)
def a_server_is_here() -> None:
    if find_server() is None:
        pytest.skip("no livekit-server: make setup")


def token(server: LiveKitServer, room: str) -> str:
    grants = api.VideoGrants(room_join=True, room=room)
    return (
        api.AccessToken(server.api_key, server.api_secret)
        .with_identity("caller")
        .with_grants(grants)
        .to_jwt()
    )


async def rooms(server: LiveKitServer) -> list[str]:
    async with api.LiveKitAPI(server.url, server.api_key, server.api_secret) as livekit:
        listed = await livekit.room.list_rooms(api.ListRoomsRequest())
        return [room.name for room in listed.rooms]


async def test_a_participant_joins_and_publishes_on_loopback_alone() -> None:
    async with LiveKitServer() as server:
        room = rtc.Room()
        await asyncio.wait_for(room.connect(server.url, token(server, "here")), 20)
        source = rtc.AudioSource(8000, 1)
        track = rtc.LocalAudioTrack.create_audio_track("voice", source)
        await asyncio.wait_for(room.local_participant.publish_track(track), 20)
        assert await rooms(server) == ["here"]
        assert server.pid
        # Ctrl-C in a terminal reaches a whole session: the host that uses it must end first.
        assert os.getsid(server.pid) != os.getsid(0)
        bound = psutil.Process(server.pid).net_connections("inet")
        assert {each.laddr.ip for each in bound} == {"127.0.0.1"}
        await room.disconnect()


async def test_a_restart_keeps_the_address_and_forgets_the_rooms() -> None:
    async with LiveKitServer() as server:
        before, url = server.pid, server.url
        async with api.LiveKitAPI(server.url, server.api_key, server.api_secret) as livekit:
            await livekit.room.create_room(api.CreateRoomRequest(name="here"))
        await server.restart()
        assert (server.url, server.pid != before) == (url, True)
        assert await rooms(server) == []


async def test_a_killed_server_is_gone_and_its_log_stays() -> None:
    async with LiveKitServer() as server:
        pid = server.pid
        assert pid
        await server.kill()
        assert server.pid is None
        assert not psutil.pid_exists(pid)
        assert "starting LiveKit server" in server.log.read_text()


async def test_two_servers_have_two_addresses(tmp_path: Path) -> None:
    async with LiveKitServer(log=tmp_path / "a.log") as one, LiveKitServer() as other:
        assert one.url != other.url
        assert await rooms(one) == await rooms(other) == []
    assert (tmp_path / "a.log").stat().st_size


async def test_a_port_that_is_taken_is_told_in_one_line() -> None:
    async with LiveKitServer() as server:
        port = int(server.url.rpartition(":")[2])
        with pytest.raises(HostError, match="livekit-server does not start"):
            await LiveKitServer(port=port).start()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs Linux's setpriv")
def test_the_server_dies_with_a_process_that_is_killed() -> None:
    program = """
import asyncio, time
from host.local.livekit import LiveKitServer
async def main():
    async with LiveKitServer() as server:
        print(server.pid, flush=True)
        await asyncio.Event().wait()
asyncio.run(main())
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        server = psutil.Process(int(parent.stdout.readline()))
        os.kill(parent.pid, signal.SIGKILL)
        server.wait(20)
        assert not server.is_running()


def test_a_named_server_that_is_no_program_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST_LIVEKIT_SERVER", "/nowhere/livekit-server")
    with pytest.raises(HostError, match="HOST_LIVEKIT_SERVER: /nowhere/livekit-server"):
        find_server()


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def empty_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without livekit-server whose Go makes one, and counts how often."""
    monkeypatch.delenv("HOST_LIVEKIT_SERVER", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setenv("BUILDS", str(tmp_path / "builds"))
    program(
        tmp_path / "bin" / "go",
        'test "$1" = version && { echo go version go1.26.8 linux/amd64; exit; }\n'
        'echo "$@" >> $BUILDS; mkdir -p $GOBIN $GOPATH/a $GOCACHE; touch $GOPATH/a/b $GOBIN/server'
        "\nchmod 555 $GOPATH/a; sleep 0.2",
    )
    return tmp_path


async def test_builders_at_the_same_time_build_once_and_leave_the_server_alone(
    empty_machine: Path,
) -> None:
    if find_server():
        pytest.skip("livekit-server lies in the system's folders")
    (built_server().parent / "building-livekit-server-old" / "left").mkdir(parents=True)
    paths = await asyncio.gather(*(asyncio.to_thread(build_server) for _ in range(3)))
    assert set(paths) == {built_server()}
    assert (empty_machine / "builds").read_text().count("cmd/server@v1.11.0") == 1
    left = {path.name for path in built_server().parent.iterdir()}
    assert left == {built_server().name, "livekit-server.lock"}


def test_a_build_that_fails_says_why_and_leaves_nothing(empty_machine: Path) -> None:
    program(empty_machine / "bin" / "go", "echo go version go1.26.8; echo no network >&2; exit 1")
    with pytest.raises(HostError, match=r"failed: .*no network.*HOST_LIVEKIT_SERVER"):
        build_server()
    assert not built_server().exists()
    assert not list(built_server().parent.glob("building-*"))


@pytest.mark.parametrize(
    ("told", "version"),
    [("go version go1.26.8 linux/amd64", (1, 26)), ("go version go1.9 x", (1, 9)), ("", (0, 0))],
)
def test_a_go_tells_its_version(told: str, version: tuple[int, int], tmp_path: Path) -> None:
    assert go_version(program(tmp_path / "go", f"echo {told}")) == version
