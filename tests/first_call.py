"""The transcript of docs/first-call.md: what a new user types, and what the terminal shows."""

from __future__ import annotations

import re

from deployment import HERE

PAGE = HERE.parent / "docs" / "first-call.md"


def transcript() -> dict[str, list[str]]:
    """Return each command of the page, in order, with the lines below it."""
    shown: dict[str, list[str]] = {}
    for block in re.findall(r"```console\n(.*?)```", PAGE.read_text(), re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                below = shown.setdefault(line.removeprefix("$ "), [])
            else:
                below.append(line)
    return shown


def without_digits(text: str) -> str:
    """Return text without what differs each time: ports, times and durations."""
    return re.sub(r"[0-9]+", "0", text)
