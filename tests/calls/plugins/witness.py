"""Witness: writes down every event that the hooks are told of."""

from __future__ import annotations

import json
import os
import sys

from host import Call, CallRecord, hookimpl

born_with: set[str] = set()
os.register_at_fork(after_in_child=lambda: born_with.update(sys.modules))


def note(call: Call, event: str, fact: str) -> None:
    with open(os.environ["TEST_EVENTS"], "a") as file:
        file.write(json.dumps({"room": call.room, "event": event, "fact": fact}) + "\n")


@hookimpl
async def call_greeted(call: Call) -> None:
    note(call, "greeted", "again" if call.taken_over else "first")


@hookimpl
async def call_status_changed(call: Call, status: str) -> None:
    note(call, "status", status)


@hookimpl
async def digit_pressed(call: Call, digit: str) -> None:
    note(call, "digit", digit)


@hookimpl
async def hold_changed(call: Call, on_hold: bool) -> None:
    note(call, "hold", "begins" if on_hold else "ends")


@hookimpl
async def call_ended(call: Call, record: CallRecord) -> None:
    note(call, "imported", " ".join(sorted(sys.modules.keys() - born_with)))
    note(call, "ended", record.outcome.value)
