"""The suite fails where anything that it wrote shows a secret."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from canaries import BLOCK, CARD, NUMBER, SECRETS, UNRECORDED, found_below, found_in
from deployment import HERE
from programs import without_pytest

pytestmark = pytest.mark.processes

WRITES = """
import canaries, sys

def test_writes(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file.log").write_text("x" + canaries.NUMBER)

def test_prints():
    print(canaries.SECRETS["OPENAI_API_KEY"], file=sys.stderr)

def test_is_good(tmp_path):
    (tmp_path / "file.log").write_text("+1…57")
"""


@pytest.mark.parametrize("workers", [0, 1])
def test_a_suite_that_tells_canaries_fails(tmp_path: Path, workers: int) -> None:
    done = run(tmp_path, workers, "test_writes or test_prints")
    assert "2 passed" in done.stdout
    told = [line for line in done.stdout.splitlines() if line.startswith("a canary was found in ")]
    assert {line.rpartition(": ")[2] for line in told} == {"NUMBER", "OPENAI_API_KEY"}
    assert done.returncode == 1


def test_a_suite_that_tells_none_passes(tmp_path: Path) -> None:
    done = run(tmp_path, 0, "test_is_good")
    assert (done.returncode, "canary" in done.stdout) == (0, False), done.stdout


def run(folder: Path, workers: int, test: str) -> subprocess.CompletedProcess[str]:
    """Run a test in a suite of its own, whose folders are not kept in ours."""
    (folder / "conftest.py").write_text(
        "import canaries\ndef pytest_configure(config):\n    canaries.watch(config)\n"
    )
    (folder / "test_it.py").write_text(WRITES)
    its = folder / "its"
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q"]
    command += ["-p", "no:cacheprovider", "-n", str(workers), f"--basetemp={its}", "-k", test]
    done = subprocess.run(
        [*command, str(folder / "test_it.py")],
        cwd=folder,
        env={**without_pytest(), "PYTHONPATH": f"{HERE}:{HERE.parent}"},
        capture_output=True,
        text=True,
        timeout=90,
    )
    for file in its.rglob("*.log"):
        file.unlink()
    return done


def test_a_canary_is_found_wherever_it_lies_in_a_file(tmp_path: Path) -> None:
    secret = SECRETS["CARTESIA_API_KEY"].encode()
    file = tmp_path / "big.db"
    for before in (0, BLOCK - len(secret) // 2, BLOCK, 2 * BLOCK - 1):
        file.write_bytes(b"\0" * before + secret + b"\0" * 10)
        assert list(found_below(tmp_path)) == [f"{file}: CARTESIA_API_KEY"]
    file.write_bytes(NUMBER[:-1].encode())
    assert list(found_below(tmp_path)) == []


@pytest.mark.parametrize(
    "text",
    [
        *("+1 555 014 2857", "(555) 014-2857", "tel%3A%2B1555%200142857", "tel:5550142857"),
        *("555.014.2857", "+1_555_014_2857"),
    ],
)
def test_the_number_is_found_however_it_is_written(text: str) -> None:
    assert found_in(text.encode()) == ["NUMBER"]


@pytest.mark.parametrize(
    "text",
    [CARD, CARD.replace(" ", "-"), "card=4929118603754429", "4929%201186", UNRECORDED.lower()],
)
def test_what_is_said_off_the_record_is_found(text: str) -> None:
    assert found_in(text.encode()) == ["CARD"]


def test_the_beginning_of_a_secret_gives_it_away() -> None:
    assert found_in(b"key canary-crm-4f1c9a\xe2\x80\xa2\xe2\x80\xa2") == ["CANARY_CRM_TOKEN"]
    assert found_in(b"+1 555 010 2857 canary sk-") == []
