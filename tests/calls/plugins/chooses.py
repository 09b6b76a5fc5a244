"""Chooses: a persona by a SIP header, or by the caller."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from host import hookimpl

VIP = "+15557770042"


@hookimpl
def choose_persona(dispatch: Any, personas: Sequence[str]) -> str | None:
    if dispatch.caller.number == VIP:
        return "polite"
    wanted: str = dispatch.headers.get("x-desk", "")
    return wanted if wanted in personas else None
