"""The conversation with nobody that each process has had before its first call."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.processes

REHEARSAL = """
import gc, json, logging, os, sys, time
import host.speech.session
from livekit.agents import AgentSession
from livekit.rtc._ffi_client import FfiClient
from host.speech.rehearsal import rehearse

def here():
    files = len(os.listdir("/proc/self/fd"))
    return {"threads": len(os.listdir("/proc/self/task")), "files": files}

before, cpu = here(), time.process_time()
rehearse()
took = time.process_time() - cpu
gc.collect()
after = here()
native = FfiClient._instance is not None
cpu = time.process_time()
rehearse()
again = time.process_time() - cpu
sessions = [each for each in gc.get_objects() if isinstance(each, AgentSession)]
print(json.dumps([before, after, native, took, again, len(sessions)]))
"""


def test_it_leaves_nothing_behind_that_a_fork_would_break() -> None:
    code = textwrap.dedent(REHEARSAL)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # no log line, no warning of a task that was lost
    before, after, native, took, again, sessions = json.loads(done.stdout)
    assert after == before
    assert not native
    assert again < took / 10, "it is done once"
    assert sessions == 0
