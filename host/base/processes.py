"""Identifies processes by number and start time, because numbers are reused."""

from __future__ import annotations

import functools
import os
import socket
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Process:
    """A process, alive or not."""

    machine: str
    number: int
    began: float

    @property
    def alive(self) -> bool | None:
        """Whether it is alive; None for a process of another machine."""
        if self.machine != socket.gethostname():
            return None
        began = _began(self.number)
        return began is not None and abs(began - self.began) < 1.0


def this_process() -> Process:
    """Return the current process."""
    number = os.getpid()
    try:
        began = _this_began(number)
    except psutil.Error:
        began = 0.0  # not cached, so that the next call tries again
    return Process(socket.gethostname(), number, began)


@functools.cache  # used by each checkpoint; a fork has its own number
def _this_began(number: int) -> float:
    return psutil.Process(number).create_time()


def _began(number: int) -> float | None:
    try:
        process = psutil.Process(number)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None
