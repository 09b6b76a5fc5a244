"""Firm: its greeting is heard to its end, whoever talks into it."""

from host import Greeting, hookimpl


@hookimpl
def instructions(call):
    return "You are the firm one of the tests."


@hookimpl
def greeting(call):
    return Greeting(
        "This is the firm greeting of the tests, which goes on for quite a while so that "
        "everybody has the time to talk into it. It is nearly over. That was it.",
        interruptible=False,
    )
