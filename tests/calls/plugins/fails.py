"""Fails: an event hook that always raises; nobody but the log notices."""

from host import hookimpl


@hookimpl
async def call_status_changed(call, status):
    raise RuntimeError("a plugin that fails")


@hookimpl
async def call_ended(call, record):
    raise RuntimeError("a plugin that fails at the end")
