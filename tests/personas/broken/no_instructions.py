"""Says hello and nothing else."""

from host import hookimpl


@hookimpl
def greeting(call):
    return "Hello."
