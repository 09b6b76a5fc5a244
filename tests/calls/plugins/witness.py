"""Witness: writes down every event that the hooks are told of."""

import json
import os
import sys

from host import hookimpl

born_with = set()
os.register_at_fork(after_in_child=lambda: born_with.update(sys.modules))


def note(call, event, fact):
    with open(os.environ["TEST_EVENTS"], "a") as file:
        file.write(json.dumps({"room": call.room, "event": event, "fact": fact}) + "\n")


@hookimpl
async def call_status_changed(call, status):
    note(call, "status", status)


@hookimpl
async def digit_pressed(call, digit):
    note(call, "digit", digit)


@hookimpl
async def call_ended(call, record):
    note(call, "imported", " ".join(sorted(sys.modules.keys() - born_with)))
    note(call, "ended", record.outcome.value)
