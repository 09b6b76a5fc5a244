"""Finds livekit-server on this machine."""

from pathlib import Path

from host.local.livekit.build import SETTING, build_server, built_server
from host.local.program import find_program


def find_server() -> Path | None:
    """Return livekit-server: HOST_LIVEKIT_SERVER, else on the PATH, else the one built before.

    Raises HostError if HOST_LIVEKIT_SERVER is not a program.
    """
    return find_program(SETTING, "livekit-server", built_server())


def find_or_build() -> Path:
    """Return livekit-server, built if necessary, which takes two or three minutes."""
    return find_server() or build_server()
