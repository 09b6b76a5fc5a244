"""Few: takes one call at once and two a day, says host.toml."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the few one of the tests."


@hookimpl
def greeting(call):
    return "Here is the few one. How may I help you?"
