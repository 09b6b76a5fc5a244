"""Wraps without yielding."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "Be wrapped."


@hookimpl(wrapper=True)
def greeting(call):
    return "Hello."
