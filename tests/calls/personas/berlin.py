"""Berlin: speaks another language than the deployment, in another voice."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the Berlin desk of the tests."


@hookimpl
def greeting(call):
    return "This is the Berlin desk."
