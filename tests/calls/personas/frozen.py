"""Frozen: its greeting never comes, and holds up all else in its process."""

import time

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the frozen one of the tests."


@hookimpl
def greeting(call):
    time.sleep(600)
