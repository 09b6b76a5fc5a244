"""Asks for what its hooks do not give."""

from host import hookimpl


@hookimpl
def instructions(cal):
    return "Be kind."


@hookimpl
def greeting(call=None):
    return "Hello."


@hookimpl
def tools(**everything):
    return []
