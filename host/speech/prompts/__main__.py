"""`python -m host.speech.prompts`: renders the prompts in a separate process.

A persona's `tts` hook that blocks or exits can't affect the host. Its standard input is what the
host serves. Prints what is missing, as JSON.
"""

import asyncio
import json
import logging
import os
import sys

from host.base.errors import HostError
from host.registry import take_over
from host.speech.prompts.render import make_all


def main() -> None:
    """Render missing prompts; print a JSON list of failures."""
    os.nice(10)  # calls have priority
    logging.disable(logging.CRITICAL)
    try:
        settings, _ = take_over(sys.stdin.buffer.read())
        missing = asyncio.run(make_all(settings))
    except (HostError, OSError) as error:
        missing = [str(error)]
    print(json.dumps(missing), flush=True)
    os._exit(
        0
    )  # LiveKit's SDK may abort an interpreter that is taken down: see host/cli/__init__.py


if __name__ == "__main__":
    main()
