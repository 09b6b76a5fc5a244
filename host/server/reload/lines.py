"""Finds the lines of host.toml that faults name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path


def with_lines(told: str, config: Path) -> Iterator[str]:
    """Return the faults of an error of the settings, each with its line of host.toml if known.

    `told` is as `host.settings` writes it: `host.toml: [words] silent must be text; ...`.
    """
    try:
        lines = config.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        lines = []
    start = f"{config}: "
    for fault in re.split(f"; (?={re.escape(start)})", told):
        named = re.match(r"(?:\[(?P<table>[^]]+)\]:? ?)?(?P<key>\w*)", fault.removeprefix(start))
        line = None
        if fault.startswith(start) and named:
            line = _line(lines, named["table"] or "", named["key"])
        yield fault if line is None else f"{config}:{line}: {fault.removeprefix(start)}"


def _line(lines: list[str], table: str, key: str) -> int | None:
    """Return the number of the line that sets a key in a table, or that begins the table."""
    inside, begun = "", None
    for number, line in enumerate(lines, 1):
        if header := re.match(r"\s*\[+([^]]+)\]", line):
            inside = re.sub(r"[\s\"']", "", header[1])
            if table and inside == table:
                begun = number
        elif inside == table and key and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*[=.]", line):
            return number
    return begun
