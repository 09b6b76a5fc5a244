"""Candid: says what it is, and then greets."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the candid one of the tests."


@hookimpl
def greeting(call):
    return "Here is the candid one. How may I help you?"
