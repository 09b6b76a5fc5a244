"""Finds: calls somebody and lets the model find its way through the menu that answers."""

from host import Continue, hookimpl


@hookimpl
def instructions(call):
    return "You are the finder of the tests."


@hookimpl
def greeting(call):
    return "This is the finder."


@hookimpl
def voicemail_policy(call):
    return Continue()
