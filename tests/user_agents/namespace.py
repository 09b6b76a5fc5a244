"""A network of its own for the tests: loopback, and one address that leads nowhere."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

CLONE_NEWNET = 0x40000000
OWN = "/proc/thread-self/ns/net"
ADDRESS = "192.0.2.1"
"""WebRTC has no candidates on loopback: it needs another address. This one is for documentation."""


@contextmanager
def network_of_its_own() -> Iterator[bool]:
    """Put this thread, and the threads and processes that it starts, into a new network namespace.

    Yields False where the machine does not allow one: all stays on its loopback.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    before = os.open(OWN, os.O_RDONLY) if os.path.exists(OWN) else -1
    if before < 0 or shutil.which("ip") is None or libc.unshare(CLONE_NEWNET):
        yield False
        return
    try:
        for words in (
            "link set lo up",
            "link add sip0 type veth peer name sip1",
            f"address add {ADDRESS}/32 dev sip0",
            "link set sip0 up",
            "link set sip1 up",
        ):
            subprocess.run(["ip", *words.split()], check=True)
        yield True
    finally:
        if libc.setns(before, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "can't return to the network")
        os.close(before)
