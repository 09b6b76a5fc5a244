"""Waits: finds its way through a menu, and is put on hold."""

from host import Continue, HangUp, hookimpl


@hookimpl
def instructions(call):
    return "You are the waiting one of the tests."


@hookimpl
def greeting(call):
    return "Here is the waiting one."


@hookimpl
def voicemail_policy(call):
    return HangUp() if call.metadata.get("detects") else Continue()
