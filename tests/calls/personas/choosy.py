"""Choosy: the firm one, with an option of LiveKit's session of its own."""

from host import hookimpl

from .firm import greeting, instructions

__all__ = ["greeting", "instructions"]


@hookimpl
def session_options(call):
    return {"turn_handling": {"interruption": {"min_words": 2}}}
