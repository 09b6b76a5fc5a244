"""The virtual clock replaces `time.monotonic` and the like by name: whoever keeps one escapes it.

A key's time came from the machine's clock while all else went by the virtual one, so that keys
typed ahead were too old on every machine that had started less than 16 minutes before.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from deployment import HERE
from syntax import parsed

REPLACED = {
    "time.monotonic",
    "time.perf_counter",
    "time.monotonic_ns",
    "time.perf_counter_ns",
}
FOLDERS = ("host", "plugins", "personas", "tests/in_memory", "tests/calls")


def kept_clocks(code: Path | str) -> Iterator[int]:
    """Find the lines that keep a clock instead of calling it there."""
    text = code.read_text() if isinstance(code, Path) else code
    if not any(clock.removeprefix("time.") in text for clock in REPLACED):
        return  # and most files are spared being parsed
    tree = parsed(text)
    called = {id(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "time":
            kept = {f"time.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Attribute) and id(node) not in called:
            kept = {ast.unparse(node)}
        else:
            continue
        if kept & REPLACED:
            yield node.lineno


@pytest.mark.parametrize("folder", FOLDERS)
def test_all_code_of_a_call_asks_for_the_time_by_name(folder: str) -> None:
    files = list((HERE.parent / folder).rglob("*.py"))
    assert files
    assert {str(file): lines for file in files if (lines := list(kept_clocks(file)))} == {}


@pytest.mark.parametrize(
    "code",
    [
        "from time import monotonic",
        "at: float = field(default_factory=time.monotonic)",
        "def since(clock=time.perf_counter): ...",
    ],
)
def test_a_kept_clock_is_found(code: str) -> None:
    assert list(kept_clocks(code)) == [1]


def test_a_clock_that_is_called_is_none() -> None:
    assert list(kept_clocks("at = field(default_factory=lambda: time.monotonic())")) == []
