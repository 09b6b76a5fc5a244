"""Trunkless: calls over a trunk that does not exist, says host.toml."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You have no trunk."
