"""Witness: writes down every event that the hooks are told of."""

import json
import os

from host import hookimpl


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
    note(call, "ended", record.outcome.value)
