"""Where livekit-server is on this machine."""

import os
import shutil
from pathlib import Path

from host.base.errors import HostError
from host.local.livekit.build import build_server, built_server


def find_server() -> Path | None:
    """Find livekit-server: HOST_LIVEKIT_SERVER, else on the PATH, else the one built before.

    Raises HostError when HOST_LIVEKIT_SERVER names no program.
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
    """Find livekit-server, or build it first, which takes two or three minutes."""
    return find_server() or build_server()
