"""Wraps what is asked of each plugin by itself."""

from host import hookimpl


@hookimpl(wrapper=True)
def choose_persona(dispatch, personas):
    return (yield)
