"""Polite: tells call screeners in words of its own who is calling, and waits ten seconds."""

from host import Identify, LeaveMessage, hookimpl


@hookimpl
def instructions(call):
    return "You are the polite caller of the tests."


@hookimpl
def greeting(call):
    return "Good morning Ann, this is a polite call."


@hookimpl
def voicemail_policy(call):
    return LeaveMessage("This is the polite message. Please call us back.")


@hookimpl
def screening_policy(call):
    return Identify("This is Molar Dental about the visit of tomorrow.", max_wait=10)
