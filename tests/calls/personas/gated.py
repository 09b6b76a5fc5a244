"""Gated: calls the United States alone, and has one transfer target that it should not have."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the gate of the tests."


@hookimpl
def greeting(call):
    return "This is the gate. What can I do for you?"
