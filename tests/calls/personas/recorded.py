"""Recorded: its calls are recorded, says host.toml, and it owns up to being a machine."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the recorded desk of the tests."


@hookimpl
def greeting(call):
    return "Good morning, this is the desk of the museum."
