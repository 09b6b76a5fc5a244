"""SIGHUP: reloads."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Iterator


@contextlib.contextmanager
def reloads_on_hangup(
    reload: Callable[[], object], stop: Callable[[], object], terminal: int = 0
) -> Iterator[None]:
    """Call `reload` on SIGHUP inside the block, or `stop` if the terminal was closed.

    Both send the same signal. `terminal` is a descriptor that may be one.
    """
    had = os.isatty(terminal)

    def hang_up() -> None:
        gone = had and not os.isatty(terminal)
        (stop if gone else reload)()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, hang_up)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)
