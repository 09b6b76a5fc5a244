"""Panics of LiveKit's SDK: it prints them to `sys.stderr`, and ends its process by SIGTERM.

pytest captures what is printed, and loses it with the process: xdist then says that a worker
crashed, and not why.
"""

from __future__ import annotations

import os


def show_panics() -> None:
    """Print panics to the descriptor that is stderr now, before pytest captures it."""
    from livekit.rtc import _ffi_client

    stderr = os.dup(2)

    def tell(*words: object, **_: object) -> None:
        os.write(stderr, f"{' '.join(map(str, words))}\n".encode())

    # livekit 1.1.21 prints nothing else there, and has no other way to learn of a panic.
    _ffi_client.print = tell  # type: ignore[attr-defined]
