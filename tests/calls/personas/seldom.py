"""Seldom: calls a number once a day, says host.toml."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are seldom."


@hookimpl
def greeting(call):
    return "I call once a day."
