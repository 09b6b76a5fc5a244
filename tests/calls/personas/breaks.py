"""Breaks: a question that fails."""

from host import hookimpl


@hookimpl
def instructions(call):
    raise RuntimeError("the persona is broken")
