"""Timed: may talk for seven seconds, says host.toml."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are timed."


@hookimpl
def greeting(call):
    return "Good evening, we have very little time."
