"""Talks: treats a machine like a person, so it greets at once."""

from host import Continue, hookimpl


@hookimpl
def instructions(call):
    return "You are the talker of the tests."


@hookimpl
def greeting(call):
    return "I talk to everybody who picks up."


@hookimpl
def voicemail_policy(call):
    return Continue()
