"""docs/testing.md names a whole call for each thing that README and the docs promise."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from deployment import HERE
from programs import collected
from syntax import parsed

PAGE = HERE.parent / "docs" / "testing.md"


def promises() -> list[tuple[str, str]]:
    """Find what the tests promise: (promise, test)."""
    return [each for file in sorted((HERE / "calls").glob("test_*.py")) for each in _in(file)]


def _in(file: Path) -> Iterator[tuple[str, str]]:
    for node in parsed(file).body:
        if isinstance(node, ast.AsyncFunctionDef):
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.promise":
                    yield ast.literal_eval(mark.args[0]), f"{file.name}::{node.name}"


def test_the_table_of_promises_is_current() -> None:
    table = "\n".join(f"| {promise} | `{test}` |" for promise, test in promises())
    rows = re.findall(r"^\| .* \| `test_\w+\.py::\w+` \|$", PAGE.read_text(), re.MULTILINE)
    assert "\n".join(rows) == table, f"the table of promises is:\n{table}"


@pytest.mark.processes
def test_make_test_plays_a_whole_call_for_each_promise() -> None:
    told = "\n".join(collected("-m", "calls and not every", "tests/calls"))
    played = set(re.findall(r"tests/calls/(test_\w+\.py::\w+)", told))
    assert played == {test for _, test in promises()}
