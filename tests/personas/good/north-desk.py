"""North desk: has a hyphen in its name."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the north desk."
