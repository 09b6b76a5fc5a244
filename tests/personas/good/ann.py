"""Ann: has what a persona needs, and a greeting."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are Ann."


@hookimpl
def greeting(call):
    return "Ann here."
