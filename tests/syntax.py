"""Source files as syntax trees."""

from __future__ import annotations

import ast
import gc
from pathlib import Path


def parsed(source: Path | str) -> ast.Module:
    """Parse a file, or code, while no garbage is collected.

    A task that fails and is awaited by nobody is told of when it is collected, with a traceback,
    for which CPython parses its line. Up to 3.11, an `ast.parse` in whose midst that happens fails:
    "SystemError: AST constructor recursion depth mismatch".
    """
    code = source.read_text() if isinstance(source, Path) else source
    gc.disable()
    try:
        return ast.parse(code)
    finally:
        gc.enable()
