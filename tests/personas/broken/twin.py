"""One of two twins."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "Be the module."
