"""Misspells a hook."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "Greet."


@hookimpl
def greting(call):
    return "Hello."
