"""What is known of a call while it goes on, as its record will have it."""

from __future__ import annotations

from typing import Any

from host.call.state import CallState
from host.records.ending import Ending
from host.records.outcome import Outcome
from host.records.redaction import redacted
from host.settings import PersonaSettings, Settings

FACTS = frozenset(
    {
        *("id", "room", "persona", "direction", "number", "our_number"),
        *("reference", "idempotency_key"),
        *("dispatched_at", "dialled_at", "ringing_at", "answered_at"),
    }
)
"""Fields of a record that do not depend on how the call goes on."""


def facts_of(
    state: CallState, settings: Settings, strictest: PersonaSettings | None = None
) -> dict[str, Any]:
    """Return these fields as JSON, with what the personas' settings keep private masked.

    `strictest` masks instead of the settings of the personas that have had the call.
    """
    so_far = state.record(Ending(Outcome.COMPLETED, "host", ""))
    masks = strictest or settings.of_a_call(so_far.names)
    masked = redacted(so_far, masks, settings.state_dir)
    return masked.model_dump(mode="json", include=set(FACTS))
