"""Starter: its calls are recorded, and its model opens them."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the starter of the tests."
