"""Paths of host.toml: relative ones begin at its own folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo


def config_path() -> Path:
    """Return the host.toml to read."""
    return Path(os.environ.get("HOST_CONFIG") or "host.toml")


def beside(
    config: Path, fields: Mapping[str, FieldInfo], table: Mapping[str, Any]
) -> dict[str, Any]:
    """Return a table of host.toml whose relative paths begin at its folder.

    `fields` of the table's model tell which are paths.
    """
    paths = {name for name, field in fields.items() if "Path" in str(field.annotation)}
    return {
        name: str(config.parent / value) if name in paths and isinstance(value, str) else value
        for name, value in table.items()
    }
