"""Which processes of this machine live. A number alone does not tell: numbers are used again."""

from __future__ import annotations

import functools
import os
import socket
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Process:
    """One process, now or formerly alive."""

    machine: str
    number: int
    began: float

    @property
    def alive(self) -> bool | None:
        """Whether it lives; None for one of another machine, of which nobody here can tell."""
        if self.machine != socket.gethostname():
            return None
        began = _began(self.number)
        return began is not None and abs(began - self.began) < 1.0


def this_process() -> Process:
    """Name the process that asks."""
    number = os.getpid()
    try:
        began = _this_began(number)
    except psutil.Error:
        began = 0.0  # not kept: it is asked again the next time
    return Process(socket.gethostname(), number, began)


@functools.cache  # each checkpoint of each call names it; a fork has a number of its own
def _this_began(number: int) -> float:
    return psutil.Process(number).create_time()


def _began(number: int) -> float | None:
    try:
        process = psutil.Process(number)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None
