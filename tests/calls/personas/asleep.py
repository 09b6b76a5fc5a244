"""Asleep: calls in one minute of the day, says host.toml."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are asleep."


@hookimpl
def greeting(call):
    return "It is midnight."
