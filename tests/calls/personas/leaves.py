"""Leaves: calls somebody, and leaves a message on a machine."""

from host import LeaveMessage, hookimpl


@hookimpl
def parse_metadata(metadata):
    return {"name": metadata["name"]}


@hookimpl
def instructions(call):
    return "You are the caller of the tests."


@hookimpl
def greeting(call):
    return f"Good morning {call.details['name']}, this is a test call."


@hookimpl
def voicemail_policy(call):
    return LeaveMessage("This is the message of the test. Please call us back tomorrow.")
