"""Paths of the project's own files, in a checkout and in an installed package."""

import os
from pathlib import Path

HOST = Path(__file__).resolve().parents[1]


def _folder(name: str) -> Path:
    """Return a top-level folder of the repository, which a wheel contains inside `host`."""
    inside = HOST / f"_{name}"
    return inside if inside.is_dir() else HOST.parent / name


BUNDLED_PLUGINS = _folder("plugins")
"""Plugins that every host loads."""
EXAMPLE_PERSONAS = _folder("personas")
"""Personas of `host demo`; a host serves those of its own folder."""


def is_bundled(folder: Path) -> bool:
    """Return whether a folder is that of the bundled plugins, perhaps by way of links."""
    return os.path.realpath(folder) == os.path.realpath(BUNDLED_PLUGINS)
