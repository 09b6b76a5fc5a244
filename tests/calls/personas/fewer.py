"""Fewer: takes one call at once, says host.toml."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the fewer one of the tests."


@hookimpl
def greeting(call):
    return "Here is the fewer one. How may I help you?"
