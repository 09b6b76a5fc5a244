"""Renders templates, and writes files that were not there: all of them, or none.

A template is a plain file with `$name` and the like in its strings and comments: those in Python
are checked by ruff and mypy where they stand.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from string import Template

from host.base.errors import HostError
from host.privacy.files import private_opener
from host.registry.found import shown

TEMPLATES = Path(__file__).parent / "templates"
PRIVATE = {".env"}
"""Names of files that only their owner may read."""


def rendered(template: str, values: Mapping[str, str]) -> str:
    """Return the text of a template. Raises KeyError for a value that is not given."""
    return Template((TEMPLATES / template).read_text(encoding="utf-8")).substitute(values)


def write_new(files: Mapping[Path, str]) -> None:
    """Write new files with their folders.

    Raises HostError if one exists or can't be written: then nothing is left of the others.
    """
    for file in files:
        if os.path.lexists(file):
            raise HostError(f"{shown(file)} exists already: nothing was written")
    with ExitStack() as undo:
        for file, text in files.items():
            try:
                _write(file, text, undo)
            except OSError as error:
                why = error.strerror or str(error)
                raise HostError(f"{shown(file)} can't be written: {why}") from error
        undo.pop_all()


def _write(file: Path, text: str, undo: ExitStack) -> None:
    for folder in reversed([each for each in file.parents if not each.exists()]):
        folder.mkdir()
        undo.callback(folder.rmdir)
    opener = private_opener if file.name in PRIVATE else None
    with open(file, "x", encoding="utf-8", opener=opener) as opened:
        undo.callback(file.unlink)
        opened.write(text)
