"""Witness: writes down every event that the hooks are told of."""

from __future__ import annotations

import json
import os
import sys

from host import Call, CallRecord, hookimpl

born_with: set[str] = set()
os.register_at_fork(after_in_child=lambda: born_with.update(sys.modules))


def write_down(call: Call, event: str, fact: str) -> None:
    with open(os.environ["TEST_EVENTS"], "a") as file:
        file.write(json.dumps({"room": call.room, "event": event, "fact": fact}) + "\n")


@hookimpl
async def call_greeted(call: Call) -> None:
    write_down(call, "greeted", "again" if call.taken_over else "first")


@hookimpl
async def call_status_changed(call: Call, status: str) -> None:
    write_down(call, "status", status)


@hookimpl
async def digit_pressed(call: Call, digit: str) -> None:
    write_down(call, "digit", digit)


@hookimpl
async def hold_changed(call: Call, on_hold: bool) -> None:
    write_down(call, "hold", "begins" if on_hold else "ends")


@hookimpl
async def joined(call: Call, by: str, note: str) -> None:
    write_down(call, "joined", f"{call.persona} by {by}: {note}")


@hookimpl
async def call_ended(call: Call, record: CallRecord) -> None:
    write_down(call, "imported", " ".join(sorted(sys.modules.keys() - born_with)))
    write_down(call, "ended", record.outcome.value)
