"""Leaky: whatever it does breaks, and its errors quote all that it knows."""

import logging
import os
from urllib.parse import quote_plus

from host import hookimpl

library = logging.getLogger("some.library")


def all_of(call):
    number = f"{call.number[:5]} {call.number[5:8]} {call.number[8:]}"
    key = call.settings.plugin("openai").api_key.get_secret_value()
    return f"{call!r} {number} phone={quote_plus(number)} {os.environ['CANARY_CRM_TOKEN']} {key}"


@hookimpl
def instructions(call):
    return "You are the leaky one of the tests."


@hookimpl
async def prepare_call(call):
    library.warning("POST https://crm.example/ %s", all_of(call))
    raise LookupError(f"prepare_call: no customer {all_of(call)}")


@hookimpl
def greeting(call):
    if call.metadata.get("breaks"):
        raise RuntimeError(f"greeting: {all_of(call)} {call.metadata}")
    return "This is the leaky desk."


@hookimpl
def tools(call):
    async def look_up() -> str:
        """Look up the customer."""
        raise LookupError(f"look_up: no customer {all_of(call)}")

    return [look_up]


@hookimpl
async def digit_pressed(call, digit):
    print("digit_pressed", all_of(call))


@hookimpl
async def call_ended(call, record):
    raise RuntimeError(f"call_ended: {all_of(call)}")
