"""Warned: tells callers that their time is nearly up."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the warned one of the tests."


@hookimpl
def greeting(call):
    return "Here is the warned one. How may I help you?"
