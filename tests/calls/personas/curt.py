"""Curt: stops at any word, says host.toml."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the curt one of the tests."


@hookimpl
def greeting(call):
    return "Make it short."
