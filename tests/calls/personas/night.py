"""Night: a desk that has patience with whoever says nothing for a while."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the night desk of the tests."


@hookimpl
def greeting(call):
    return "This is the desk at night. What can I do for you?"
