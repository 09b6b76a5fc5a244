"""Endless: never has done with a call that is over, and holds up all else in its process."""

import time

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the endless one of the tests."


@hookimpl
def greeting(call):
    return "I never come to an end."


@hookimpl
async def call_ended(call, record):
    time.sleep(600)
