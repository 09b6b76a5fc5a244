"""docs/testing.md names a whole call for each thing that README and the docs promise."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from deployment import HERE

PAGE = HERE.parent / "docs" / "testing.md"


def promises(file: Path) -> Iterator[tuple[str, str]]:
    """Find what a file's tests promise: (promise, test)."""
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.AsyncFunctionDef):
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.promise":
                    yield ast.literal_eval(mark.args[0]), f"{file.name}::{node.name}"


def test_the_table_of_promises_is_current() -> None:
    files = sorted((HERE / "calls").glob("test_*.py"))
    found = [promise for file in files for promise in promises(file)]
    table = "\n".join(f"| {promise} | `{test}` |" for promise, test in found)
    assert table in PAGE.read_text(), f"the table of promises is:\n{table}"
