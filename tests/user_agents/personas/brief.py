"""Brief: has little time."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the brief one of the tests."


@hookimpl
def greeting(call):
    return "I have little time."
