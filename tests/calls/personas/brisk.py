"""Brisk: like the switchboard, but calls itself, and may not talk long."""

from host import Continue, hookimpl


@hookimpl
def instructions(call):
    return "You are the brisk switchboard."


@hookimpl
def greeting(call):
    return "This is the switchboard. Whom do you want?"


@hookimpl
def voicemail_policy(call):
    return Continue()
