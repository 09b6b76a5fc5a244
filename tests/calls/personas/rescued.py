"""Rescued: as troubled, with fallbacks in host.toml."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the rescued one of the tests."


@hookimpl
def greeting(call):
    return "Good day from the workshop."
