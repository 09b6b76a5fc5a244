"""The host stays small: few folders, and no long module without a reason."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from deployment import HERE
from syntax import MODULES, parsed

ROOT = HERE.parent
LONGEST = 250
"""Lines of a module."""


def test_the_host_has_few_entries() -> None:
    entries = {file.name for file in (ROOT / "host").iterdir()} - {"__pycache__"}
    assert len(entries) <= 18


@pytest.mark.parametrize(
    "file",
    [file for file in MODULES if len(file.read_text().splitlines()) > LONGEST],
    ids=lambda file: str(file.relative_to(ROOT)),
)
def test_a_long_module_says_why(file: Path) -> None:
    reason = " ".join((ast.get_docstring(parsed(file)) or "").split())
    assert "one module in spite of its length" in reason.lower()
