"""Finds livekit-server on this machine."""

import os
import shutil
from pathlib import Path

from host.base.errors import HostError
from host.local.livekit.build import build_server, built_server


def find_server() -> Path | None:
    """Return livekit-server: HOST_LIVEKIT_SERVER, else on the PATH, else the one built before.

    Raises HostError if HOST_LIVEKIT_SERVER is not a program.
    """
    if named := os.environ.get("HOST_LIVEKIT_SERVER"):
        path = Path(named).expanduser()
        if not (path.is_file() and os.access(path, os.X_OK)):
            raise HostError(f"HOST_LIVEKIT_SERVER: {named} is no program")
        return path
    if found := shutil.which("livekit-server"):
        return Path(found)
    built = built_server()
    return built if built.is_file() else None


def find_or_build() -> Path:
    """Return livekit-server, built if necessary, which takes two or three minutes."""
    return find_server() or build_server()
