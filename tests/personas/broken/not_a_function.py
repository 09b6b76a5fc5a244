"""Marks what is no function."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "Be callable."


class Greeting:
    def __call__(self, call):
        return "Hello."


greeting = hookimpl(Greeting())
