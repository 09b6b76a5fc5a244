"""Short: may talk for six seconds, says host.toml."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are short."


@hookimpl
def greeting(call):
    return "Be quick."
