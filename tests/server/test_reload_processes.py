"""Reloads of a host whose calls have processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from deployment import HERE, Deployment

pytestmark = pytest.mark.processes

TIMES = 10
LATE = '''\
"""Desk: what it says is imported when it says it."""

from host import hookimpl


@hookimpl
def instructions(call):
    from ._words import WORD

    return WORD
'''


def test_ten_reloads_change_what_later_calls_say_and_no_live_call(served: Deployment) -> None:
    served.write("personas/desk.py", LATE)
    served.write("personas/_words.py", "WORD = 'first'")
    done = subprocess.run(
        [sys.executable, "-m", "reloading_host", str(TIMES)],
        cwd=served.folder,
        env={**os.environ, "PYTHONPATH": f"{HERE.parent}:{HERE}"},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.stdout, done.stderr[-4000:]
    told = json.loads(done.stdout)
    assert told["live"] == ["first, preloaded", "first, preloaded"]
    assert told["said"] == [f"word {at}, loaded here" for at in range(TIMES)]
    grown = told["sizes"][-1] - told["sizes"][2]
    assert grown < 4_000_000, f"the parent has grown by {grown} bytes: {told['sizes']}"
