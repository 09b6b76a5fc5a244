"""Fills the placeholders in the SIP headers of a transfer."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from host.base.text import sanitize
from host.call.live import LiveCall
from host.settings import TransferTarget
from host.settings.transfer import LONGEST_HEADER, PLACEHOLDER

log = logging.getLogger("host")


def headers_of(target: TransferTarget, call: LiveCall, summary: str) -> dict[str, str]:
    """Return the target's headers for this call, without those that have no value.

    A placeholder is `call_id`, `persona` or `summary`, or a name in the call's state, details or
    metadata, in this order. Values are untrusted: each becomes one line of printable characters.
    """
    values = {name: _value(name, call, summary) for name in target.placeholders}
    headers = {}
    for header, template in target.headers.items():
        missing = [name for name in PLACEHOLDER.findall(template) if values[name] is None]
        if missing:
            log.warning("the header %s is left out: there is no %s", header, ", ".join(missing))
            continue
        text = PLACEHOLDER.sub(lambda found: values[found[1]] or "", template)
        headers[header] = sanitize(text, LONGEST_HEADER)
    return headers


def _value(name: str, call: LiveCall, summary: str) -> str | None:
    """Return a placeholder's value; None if it has none, or is no text, number or truth value."""
    own = {"call_id": call.state.id, "persona": call.persona, "summary": summary}
    for source in (own, vars(call.call.state), call.details, call.state.metadata):
        value = source.get(name) if isinstance(source, Mapping) else _attribute(source, name)
        if isinstance(value, str | int | float) and value != "":
            return " ".join(str(value).split())
    return None


def _attribute(source: Any, name: str) -> Any:
    return None if name.startswith("_") else getattr(source, name, None)
