"""Opener: has no greeting, so the model opens the call."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the opener of the tests."
