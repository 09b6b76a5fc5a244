"""The project of docs/moving.md: its files, written as a reader does who follows the page."""

from __future__ import annotations

from pathlib import Path

from pages import blocks

PAGE = "docs/moving.md"


def files() -> dict[str, str]:
    """Return the files of the page, by the names in their first lines."""
    return {block.file: block.text for block in blocks(PAGE) if block.file}


def write_project(folder: Path) -> Path:
    """Write the project that the page arrives at: all of its files but those of before."""
    for name, text in files().items():
        if name not in ("main.py", "pool.py", ".env"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
    (folder / "plugins").mkdir()
    return folder
