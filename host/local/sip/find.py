"""Finds livekit-sip on this machine."""

from pathlib import Path

from host.local.program import find_program
from host.local.sip.build import SETTING, build_sip, built_sip


def find_sip() -> Path | None:
    """Return livekit-sip: HOST_LIVEKIT_SIP, else on the PATH, else the one built before.

    Raises HostError if HOST_LIVEKIT_SIP is not a program.
    """
    return find_program(SETTING, "livekit-sip", built_sip())


def find_or_build_sip() -> Path:
    """Return livekit-sip, built if necessary, which takes some minutes."""
    return find_sip() or build_sip()
