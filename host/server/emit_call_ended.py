"""`python -m host.server.emit_call_ended CALL [--dev]`: emits `call_ended` for a dead call.

A separate process, because a `call_ended` hook may have killed the call's own one. Its standard
input is what the host serves.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence

from host.privacy.logs import keep_private, log_as_json, log_to_terminal
from host.registry import take_over
from host.runner.aftermath import emit_call_ended
from host.runner.checkpoint import CheckpointStore


def main(given: Sequence[str]) -> None:
    """Emit `call_ended` of the named call."""
    log_to_terminal() if "--dev" in given else log_as_json()
    settings, _ = take_over(sys.stdin.buffer.read())
    keep_private(settings)
    if checkpoint := CheckpointStore(settings.state_dir).read(given[0]):
        asyncio.run(emit_call_ended(settings, checkpoint))
    sys.stderr.flush()
    os._exit(0)  # LiveKit's SDK sometimes aborts at interpreter exit


if __name__ == "__main__":
    main(sys.argv[1:])
