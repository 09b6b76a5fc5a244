"""A panic of LiveKit's SDK, which ends the process of a test, is told."""

from __future__ import annotations

import subprocess
import sys

from deployment import HERE

PANICS = """
import ctypes, io, sys
from panics import show_panics
show_panics()
sys.stderr = io.StringIO()  # as pytest captures it
from livekit.rtc import _ffi_client
from livekit.rtc._proto import ffi_pb2
event = ffi_pb2.FfiEvent(panic=ffi_pb2.Panic(message="a lock was poisoned")).SerializeToString()
data = (ctypes.c_uint8 * len(event)).from_buffer_copy(event)
_ffi_client.ffi_event_callback(data, len(event))
print("the process goes on")
"""


def test_a_panic_is_told_before_it_ends_the_process() -> None:
    done = subprocess.run([sys.executable, "-c", PANICS], cwd=HERE, capture_output=True, timeout=60)
    assert b"a lock was poisoned" in done.stderr
    assert b"goes on" not in done.stdout
