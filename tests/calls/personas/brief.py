"""Brief: its calls are recorded and last eight seconds, says host.toml."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the brief persona of the tests."


@hookimpl
def greeting(call):
    return "Tell me in a word what you want."
