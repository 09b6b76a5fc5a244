"""Forgets @hookimpl."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "Be forgetful."


def greeting(call):
    return "Nobody will ever hear this."
