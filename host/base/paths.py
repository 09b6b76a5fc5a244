"""Where this project's own files are: in a checkout, or in an installed package."""

from pathlib import Path

HOST = Path(__file__).resolve().parents[1]


def _folder(name: str) -> Path:
    """Return a folder of the repository's top level, which a wheel holds inside of `host`."""
    inside = HOST / f"_{name}"
    return inside if inside.is_dir() else HOST.parent / name


BUNDLED_PLUGINS = _folder("plugins")
"""Plugins that every host loads."""
EXAMPLE_PERSONAS = _folder("personas")
"""Personas that `host demo` shows; a host serves those of its own folder."""
