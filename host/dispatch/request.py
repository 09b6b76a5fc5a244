"""Builds the metadata of a call that is asked for: its persona, its number and the rest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from host import registry
from host.base.errors import HostError, PersonaError
from host.call.dispatch import RESERVED, read_dispatch
from host.dispatch.details import parse_details
from host.settings import Settings


def metadata_of(
    settings: Settings,
    persona: str,
    number: str,
    details: Mapping[str, Any],
    key: str | None = None,
    reference: str | None = None,
    dtmf: str | None = None,
    *,
    caller_id: str | None = None,
) -> str:
    """Build a call's metadata and validate it as the host will. Raises HostError.

    The idempotency `key` identifies the request: repeated requests get the same call. The
    `reference` is the ID that the call's record has for whoever asked for it. `dtmf`: keys that
    LiveKit presses after the answer. `caller_id` is what the callee sees; None: the persona's.
    """
    loaded = registry.load(settings).require()
    if persona not in loaded.personas:
        known = ", ".join(sorted(loaded.personas))
        raise PersonaError(f"there is no persona {persona!r} (there are: {known})")
    metadata = encode_metadata(persona, number, details, key, reference, dtmf, caller_id=caller_id)
    parse_details(loaded.view(persona), read_dispatch(metadata).metadata)
    return metadata


def encode_metadata(
    persona: str,
    number: str,
    details: Mapping[str, Any],
    key: str | None,
    reference: str | None = None,
    dtmf: str | None = None,
    *,
    caller_id: str | None = None,
) -> str:
    """Encode a call's metadata as JSON. Raises MetadataError."""
    named = {
        "idempotency_key": key,
        "reference": reference,
        "dtmf": dtmf,
        "caller_id": caller_id,
    }
    given = {name: value for name, value in named.items() if value is not None}
    wanted = {**details, **given, "persona": persona, "phone_number": number}
    metadata = json.dumps(wanted, ensure_ascii=False)  # the limit is in bytes, and escapes count
    read_dispatch(metadata)
    return metadata


def details_of(pairs: list[str]) -> dict[str, str]:
    """Parse `key=value` arguments of the command line. Raises HostError."""
    details: dict[str, str] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise HostError(f"{pair!r} is not of the form key=value")
        if key in RESERVED:
            raise HostError(f"{key} can't be a detail: the command has an argument for it")
        details[key] = value
    return details
