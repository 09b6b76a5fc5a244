"""Unruled: a persona that no rule of the local model knows."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are at the bakery."


@hookimpl
def greeting(call):
    return "Here is the bakery."
