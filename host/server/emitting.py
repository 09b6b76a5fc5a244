"""Emits `call_ended` in a separate process, because a hook may kill or block its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from pathlib import Path

from host.privacy.environment import of_a_helper
from host.registry import hand_over
from host.runner.checkpoint import Checkpoint, CheckpointStore
from host.settings import Settings

log = logging.getLogger("host")

HOOKS_LIMIT = 30.0
"""Seconds that the process which emits `call_ended` may take."""
PARTING = 3.0
"""Seconds that it gets when the host stops meanwhile."""


async def emit_call_ended(settings: Settings, checkpoint: Checkpoint, *, dev: bool) -> None:
    """Emit the `call_ended` of a call without a process, and remove its checkpoint.

    If that fails, or takes too long, the checkpoint is kept under another name: its record may be
    written nowhere else. Raises OSError.
    """
    checkpoints, id = CheckpointStore(settings.state_dir), checkpoint.state.id
    checkpoints.put(checkpoint)
    served = hand_over(settings)  # before another reload
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "host.server.emit_call_ended", id, *(["--dev"] if dev else [])),
        stdin=asyncio.subprocess.PIPE,
        env=of_a_helper(settings),
    )
    exited = asyncio.ensure_future(process.communicate(served))
    try:
        await asyncio.wait({exited}, timeout=HOOKS_LIMIT)
    finally:  # also gives it PARTING seconds if the host stops
        if not exited.done():
            await asyncio.wait({exited}, timeout=PARTING)
        why = ""
        if not exited.done():
            process.kill()
            await exited
            why = "timed out"
        elif process.returncode:
            why = "failed"
        if why:
            kept = keep_broken(checkpoints.file(id))
            persona = checkpoint.state.owner
            log.error("call_ended of %s %s; the record is in %s", persona, why, kept)
        checkpoints.close(id)


def keep_broken(checkpoint: Path) -> Path:
    """Rename a checkpoint that can't be finished, so that it is not tried again."""
    kept = checkpoint.with_suffix(".broken")
    with contextlib.suppress(OSError):
        checkpoint.rename(kept)
    return kept
