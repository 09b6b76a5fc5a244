"""Shy: hangs up on call screeners."""

from host import HangUp, hookimpl


@hookimpl
def instructions(call):
    return "You are the shy caller of the tests."


@hookimpl
def greeting(call):
    return "Good morning, this is a shy call."


@hookimpl
def screening_policy(call):
    return HangUp()
