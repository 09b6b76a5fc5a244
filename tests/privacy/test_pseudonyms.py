"""The key that names numbers: whole on the disk before it is used, and no shorter one is taken."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from canaries import NUMBER
from waiting import logged_by_the_host

from host.privacy import Pseudonyms


def test_a_key_is_on_the_disk_before_it_names_a_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, link = os.fsync, os.link

    def sync(file: int) -> None:
        steps.append("on the disk")
        fsync(file)

    def name(draft: Path, file: Path) -> None:
        steps.append("named")
        link(draft, file)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "link", name)
    assert "~" in Pseudonyms(tmp_path).of(NUMBER)
    assert steps == ["on the disk", "named", "on the disk"], "the key, its name, and the folder"
    assert len((tmp_path / "numbers.key").read_bytes()) == 32


@pytest.mark.parametrize("key", [b"", b"short", b"k" * 33], ids=["empty", "short", "long"])
def test_what_is_no_key_names_nobody_and_that_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, key: bytes
) -> None:
    file = tmp_path / "numbers.key"
    file.write_bytes(key)
    for _ in range(3):
        assert Pseudonyms(tmp_path).of(NUMBER) == "+1…57"
    assert file.read_bytes() == key, "somebody may have the whole of it"
    (said,) = logged_by_the_host(caplog)
    line = said.getMessage()
    assert line.startswith(f"numbers in records have no pseudonyms: {file} has {len(key)} bytes")


def test_a_key_that_is_whole_again_names_numbers_again(tmp_path: Path) -> None:
    name = Pseudonyms(tmp_path).of(NUMBER)
    file = tmp_path / "numbers.key"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    names = Pseudonyms(tmp_path)
    assert names.of(NUMBER) == "+1…57"
    file.write_bytes(whole)
    assert names.of(NUMBER) == name


@pytest.mark.parametrize(
    ("text", "number", "masked"),
    [
        ("L-17", NUMBER, "L-17"),
        ("order 20261130123", NUMBER, "order 20261130123"),
        (NUMBER, None, "NAMED"),
        (f"lead of {NUMBER}, twice: {NUMBER}", None, "lead of NAMED, twice: NAMED"),
        (f"lead-{NUMBER[1:]}", NUMBER, "lead-NAMED"),
        (f"lead-{NUMBER[1:]}", None, f"lead-{NUMBER[1:]}"),
        (f"{NUMBER[1:]}7", NUMBER, f"{NUMBER[1:]}7"),
        (f"{NUMBER[:2]} {NUMBER[2:5]} {NUMBER[5:]}", None, "NAMED"),
        ("1234", "1234", "1234"),
    ],
)
def test_numbers_in_the_ids_of_others_are_named_and_other_digits_stay(
    tmp_path: Path, text: str, number: str | None, masked: str
) -> None:
    names = Pseudonyms(tmp_path)
    assert names.within(text, number) == masked.replace("NAMED", names.of(NUMBER))
    assert names.within(names.within(text, number), number) == names.within(text, number)
