"""Renders missing prompts in the background and retries until none is missing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sys

from host.privacy.environment import of_a_helper
from host.registry import hand_over
from host.settings import Settings

log = logging.getLogger("host")

MAKING_LIMIT = 600.0
"""Seconds that one rendering process may take."""
AGAIN, AT_MOST = 60.0, 900.0
"""Seconds before the first retry, and at most between later ones."""


async def keep_sounds(settings: Settings) -> None:
    """Render missing prompts in a separate process; retry while a provider is down."""
    pause, reported = AGAIN, ""
    while missing := await _make(settings):
        said = "; ".join(missing)
        if said != reported:
            log.warning("can't cache the apologies on disk, retrying later: %s", said)
            reported = said
        await asyncio.sleep(pause)
        pause = min(pause * 2, AT_MOST)
    if reported:
        log.info("the apologies are cached on disk")


async def _make(settings: Settings) -> list[str]:
    """Run `python -m host.speech.prompts`; return its list of failures."""
    served = hand_over(settings)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "host.speech.prompts"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=of_a_helper(settings),
        start_new_session=True,  # Ctrl-C in a terminal is the host's to handle
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(served), MAKING_LIMIT)
        missing: list[str] = json.loads(said.splitlines()[-1])
        return missing
    except TimeoutError:
        return [f"rendering took longer than {MAKING_LIMIT:.0f} s"]
    except (ValueError, IndexError):
        return [f"the rendering process exited with {process.returncode}"]
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
