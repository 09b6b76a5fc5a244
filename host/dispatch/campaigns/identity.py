"""By which a host is known to the others of a queue, also after its restart."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from host.privacy import private_opener


def host_id(state: Path) -> str:
    """Return the ID of the host with this `state_dir`: it stays the same after a restart."""
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = state / "campaigns.host"
    if not file.exists():
        draft = state / f".campaigns.host-{os.getpid()}"
        with open(draft, "w", opener=private_opener) as written:
            written.write(secrets.token_hex(8))
        with suppress(FileExistsError):
            os.link(draft, file)  # whole, or not at all: another process may do the same
        draft.unlink()
    return file.read_text()
