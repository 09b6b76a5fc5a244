"""`python -m host.server.tell CALL [--dev]`: tells of the end of a call whose own process died.

It is a process of its own, because what killed one may be what a hook does with the call's end.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence

from host.privacy.logs import keep_private, log_as_json, log_to_terminal
from host.registry import read_settings
from host.runner.aftermath import tell_end
from host.runner.checkpoint import CheckpointStore


def main(given: Sequence[str]) -> None:
    """Tell of the call that is named."""
    log_to_terminal() if "--dev" in given else log_as_json()
    settings = read_settings(dotenv=False)
    keep_private(settings)
    if checkpoint := CheckpointStore(settings.state_dir).read(given[0]):
        asyncio.run(tell_end(settings, checkpoint))
    sys.stderr.flush()
    os._exit(0)  # LiveKit's SDK aborts at the interpreter's exit now and then


if __name__ == "__main__":
    main(sys.argv[1:])
