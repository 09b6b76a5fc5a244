"""Quiet: asks callers who say nothing whether they are there."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the quiet one of the tests."


@hookimpl
def greeting(call):
    return "Here is the quiet one. How may I help you?"
