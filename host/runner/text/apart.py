"""Settings under which a conversation leaves nothing behind in a deployment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from host.settings import Settings


def apart(settings: Settings, folder: Path) -> Settings:
    """Return the settings with everything that a call writes in `folder`, which exists.

    The do-not-call list is empty: an opt-out there must keep nobody from being called.
    """
    own: dict[str, Any] = {
        "do_not_call": folder / "do-not-call.txt",
        "state_dir": folder / "state",
        "call_log": folder / "calls.jsonl",
        "call_database": None,
        "recordings_dir": folder / "recordings",
    }
    own["do_not_call"].touch()
    return settings.model_copy(update=own)
