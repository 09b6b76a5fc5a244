"""Recorded: wraps every greeting of every persona."""

from host import hookimpl


@hookimpl(wrapper=True)
def greeting(call):
    words = yield
    return f"This call is recorded. {words}"
