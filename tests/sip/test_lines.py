"""Where livekit-sip listens, and who may call there."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest
from aiohttp import web

from host.base.errors import HostError
from host.local.handset import ring
from host.local.server import LocalServer
from host.local.sip import Lines, RedisServer, SipBridge, SipWorld
from host.local.sip.bridge import PORTS, free_sip_port
from host.local.sip.lines import require_network
from host.local.world import World
from host.privacy.mask import mask

LIVEKIT = "ws://127.0.0.1:7880", "key", "secret"


def test_by_default_all_is_on_loopback_and_needs_no_password() -> None:
    lines = Lines()
    assert (lines.listen, lines.softphone, lines.password) == ("127.0.0.1", "127.0.0.1:5060", "")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"listen": "10.0.0.1"}, "--listen needs a password, which the softphone sends: set"),
        ({"listen": "0.0.0.0"}, "--listen needs a password"),
        (
            {"listen": "0.0.0.0", "password": "secret"},
            "--listen: 0.0.0.0 is no address of this machine",
        ),
        (
            {"listen": "203.0.113.7", "password": "secret"},
            "--listen: 203.0.113.7 is no address of this machine",
        ),
        ({"listen": "laptop"}, "--listen: laptop is no IPv4 address: name one of this machine's"),
        ({"listen": "::1"}, "--listen: ::1 is no IPv4 address"),
        ({"softphone": "sip:me@10.0.0.2"}, "--softphone: 'sip:me@10.0.0.2' is not of the form"),
        ({"softphone": ""}, "--softphone: '' is not of the form ADDRESS or ADDRESS:PORT"),
    ],
)
def test_what_can_not_be_is_told_in_one_line(given: dict[str, str], told: str) -> None:
    with pytest.raises(HostError) as error:
        Lines(**given)
    assert str(error.value).startswith(told)


def test_a_machine_without_a_network_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    address = SimpleNamespace(family=socket.AF_INET, address="127.0.0.1")
    monkeypatch.setattr("psutil.net_if_addrs", lambda: {"lo": [address]})
    with pytest.raises(HostError, match="needs a network interface beside loopback"):
        require_network()
    other = SimpleNamespace(family=socket.AF_INET, address="192.0.2.1")
    monkeypatch.setattr("psutil.net_if_addrs", lambda: {"lo": [address], "sip0": [other]})
    require_network()


def test_the_password_is_in_no_text_of_the_lines() -> None:
    assert "secret" not in repr(Lines(password="secret"))


def test_a_taken_port_is_left_to_its_owner() -> None:
    first = free_sip_port("127.0.0.1")
    assert first in PORTS
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as taken:
            taken.bind(("127.0.0.1", first))
            assert free_sip_port("127.0.0.1") > first


def test_livekit_sip_listens_and_announces_one_address(tmp_path: Path) -> None:
    redis = RedisServer(tmp_path / "redis.log")
    bridge = SipBridge(redis, LIVEKIT, "127.0.0.2", 5075, tmp_path / "sip.log")
    config = bridge.config()
    assert (config["listen_ip"], config["nat_1_to_1_ip"], config["sip_port"]) == (
        "127.0.0.2",
        "127.0.0.2",
        5075,
    )
    assert config["redis"] == redis.access
    assert (config["ws_url"], config["api_key"], config["api_secret"]) == LIVEKIT
    # livekit-sip takes what is above 1 for unset, and then refuses calls at 0.9.
    assert config["max_cpu_utilization"] == 1


def a_world(lines: Lines) -> SipWorld:
    """A world that says what it would if it were up."""
    world = SipWorld(lines)
    world.livekit = SimpleNamespace(url="ws://127.0.0.1:65535")  # type: ignore[assignment]
    world.bridge = SimpleNamespace(address=lines.listen, port=5070)  # type: ignore[assignment]
    return world


def test_the_welcome_names_what_to_dial_and_fits_80_columns() -> None:
    world = a_world(Lines())
    world.numbers = {"receptionist": "+15551000000"}
    told = world.welcome().splitlines()
    assert "Ring receptionist: sip:receptionist@127.0.0.1:5070" in told
    assert any("rings the softphone at 127.0.0.1:5060" in line for line in told)
    assert max(map(len, told)) <= 80
    assert mask(told[-1]) == told[-1]  # it comes through the log's masks


def test_the_welcome_names_the_user_but_no_password() -> None:
    told = a_world(Lines(username="desk", password="open sesame")).welcome()
    assert "desk" in told
    assert "HOST_SIP_INBOUND_PASSWORD" in told
    assert "open sesame" not in told


SETTINGS = {
    "LIVEKIT_URL": "ws://127.0.0.1:1",
    "DEEPGRAM_API_KEY": "local",
    "HOST_DEEPGRAM_BASE_URL": "http://127.0.0.1:2",
    "CARTESIA_API_KEY": "local",
    "HOST_CARTESIA_BASE_URL": "http://127.0.0.1:3",
    "OPENAI_API_KEY": "local",
    "HOST_OPENAI_BASE_URL": "http://127.0.0.1:4",
    "HOST_TURN_DETECTION": "vad",
}


def settled(world: World, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return the environment in which a world has settled."""
    monkeypatch.setattr(type(world), "settings", SETTINGS)
    world.settle_in()
    return {name: os.environ[name] for name in SETTINGS if name in os.environ}


def test_without_keys_speech_is_local(
    clean_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert settled(SipWorld(), monkeypatch) == SETTINGS


def test_with_keys_a_human_is_understood_and_spoken_to(
    clean_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = dict.fromkeys(("DEEPGRAM_API_KEY", "CARTESIA_API_KEY", "OPENAI_API_KEY"), "sk-real")
    for name, key in keys.items():
        monkeypatch.setenv(name, key)
    assert settled(SipWorld(), monkeypatch) == {"LIVEKIT_URL": "ws://127.0.0.1:1", **keys}


def test_telephones_that_speak_locally_are_heard_locally_whatever_keys_there_are(
    clean_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEEPGRAM_API_KEY", "sk-real")
    assert settled(World(), monkeypatch) == SETTINGS


class Livekit(LocalServer):
    """A livekit-server, which has no exchange in front of it."""

    def application(self) -> web.Application:
        return web.Application()


async def test_the_telephone_of_the_terminal_belongs_to_the_other_exchange() -> None:
    async with Livekit() as server:
        with pytest.raises(HostError, match="LiveKit SIP: dial it with a softphone"):
            await ring(server.url, "+15550001111", "+15557770001")
