"""Scarce: takes one call a day, says host.toml."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are scarce."


@hookimpl
def greeting(call):
    return "I take one call a day."
