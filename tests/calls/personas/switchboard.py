"""Switchboard: puts callers through, warm or cold; its words are rules of the local model."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the switchboard."


@hookimpl
def greeting(call):
    return "This is the switchboard. Whom do you want?"
