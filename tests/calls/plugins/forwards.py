"""Forwards: hands a call over, at once or by key, if its metadata says so."""

from __future__ import annotations

from host import Call, hookimpl


@hookimpl
async def call_greeted(call: Call) -> None:
    if to := call.metadata.get("forward_to"):
        await call.hand_over(to, note="forwarded")


@hookimpl
async def digit_pressed(call: Call, digit: str) -> None:
    to = {"7": "lobby", "8": "workshop", "9": "parts"}.get(digit)
    if to and call.metadata.get("forward_by_key"):
        await call.hand_over(to, note="forwarded by key")
