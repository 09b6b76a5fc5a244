"""Handed: as troubled; what fails is handed to a colleague."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the handed one of the tests."


@hookimpl
def greeting(call):
    return "Good day from the workshop."
