"""Has a name that no room can begin with."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "Be named."
