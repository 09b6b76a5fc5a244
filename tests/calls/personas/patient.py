"""Patient: lets it ring for four seconds, says host.toml."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are patient."


@hookimpl
def greeting(call):
    return "At last you are there."
