"""Forwards: hands a call over at once if its metadata says so."""

from __future__ import annotations

from host import Call, hookimpl


@hookimpl
async def call_greeted(call: Call) -> None:
    if to := call.metadata.get("forward_to"):
        await call.hand_over(to, note="forwarded")
