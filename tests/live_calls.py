"""Calls in processes of their own, on a lifeline to the test."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

from host.server.heartbeat_monitor import HeartbeatMonitor

CALL = """
import asyncio, sys, time
from host.runner.heartbeat import Heartbeat

async def main():
    goodbye, line = asyncio.Event(), Heartbeat(sys.argv[1], "a-room")
    goodbyes = lambda: (print("goodbye"), goodbye.set())
    holding = asyncio.create_task(line.hold(goodbyes, lambda: print("orphan")))
    await asyncio.to_thread(sys.stdin.readline)
    {what}

asyncio.run(main())
"""
"""A call that does something once a line comes in."""


async def joined(lines: HeartbeatMonitor, what: str, call: str = "AJ_1") -> subprocess.Popen[str]:
    """A process that has joined with a call, and does something when it is told `now`."""
    code = textwrap.dedent(CALL).format(what=what)
    process = subprocess.Popen(
        [sys.executable, "-c", code, call],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ,
    )
    assert await lines.joins(call, 20)
    return process


def now(process: subprocess.Popen[str]) -> None:
    """Let a process do what it is to do."""
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()
