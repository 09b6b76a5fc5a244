"""What is known of a call while it goes on, as its record will have it."""

from __future__ import annotations

from typing import Any

from host.call.state import CallState
from host.records.ending import Ending
from host.records.outcome import Outcome
from host.records.redaction import redacted
from host.settings import Settings

FACTS = frozenset(
    {
        *("id", "room", "persona", "direction", "number", "our_number"),
        *("reference", "idempotency_key"),
        *("dispatched_at", "dialled_at", "ringing_at", "answered_at"),
    }
)
"""Fields of a record that do not depend on how the call goes on."""


def facts_of(state: CallState, settings: Settings) -> dict[str, Any]:
    """Return these fields as JSON, with what the personas' settings keep private masked."""
    so_far = state.record(Ending(Outcome.COMPLETED, "host", ""))
    masked = redacted(so_far, settings.of_a_call(so_far.names), settings.state_dir)
    return masked.model_dump(mode="json", include=set(FACTS))
