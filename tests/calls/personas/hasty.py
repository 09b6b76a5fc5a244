"""Hasty: leaves its message in the first pause, whatever comes."""

from host import LeaveMessage, hookimpl


@hookimpl
def instructions(call):
    return "You are the hasty caller of the tests."


@hookimpl
def greeting(call):
    return "Good morning, this is a hasty call."


@hookimpl
def voicemail_policy(call):
    text = "This is the hasty message. Goodbye for now."
    return LeaveMessage(text, wait_for=call.details["wait_for"], max_wait=8)
