"""Source files as syntax trees."""

from __future__ import annotations

import ast
import gc
from pathlib import Path

from deployment import HERE

MODULES = sorted(file for of in ("host", "plugins") for file in (HERE.parent / of).rglob("*.py"))
"""What is shipped."""


def parsed(source: Path | str) -> ast.Module:
    """Parse a file, or code, while no garbage is collected.

    When a failed task that nobody awaited is collected, its traceback is logged, for which CPython
    parses a line. Up to 3.11, an `ast.parse` that this interrupts fails: "SystemError: AST
    constructor recursion depth mismatch".
    """
    code = source.read_text() if isinstance(source, Path) else source
    gc.disable()
    try:
        return ast.parse(code)
    finally:
        gc.enable()
