"""Desk: answers, transfers, hangs up; its words are rules of the local model."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the desk of the tests."


@hookimpl
def greeting(call):
    return "This is the desk. What can I do for you?"
