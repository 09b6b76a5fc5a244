"""Fails: an event hook that always raises; nobody but the log notices."""

from __future__ import annotations

from host import Call, CallRecord, hookimpl


@hookimpl
async def call_status_changed(call: Call, status: str) -> None:
    raise RuntimeError("a plugin that fails")


@hookimpl
async def call_ended(call: Call, record: CallRecord) -> None:
    raise RuntimeError("a plugin that fails at the end")
