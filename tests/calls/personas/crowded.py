"""Crowded: has one call at a time."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the crowded one of the tests."


@hookimpl
def greeting(call):
    return "The crowded one is here."
