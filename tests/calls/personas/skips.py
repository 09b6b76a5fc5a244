"""Skips: hangs up on machines, as every persona does that says nothing else."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are the skipper of the tests."


@hookimpl
def greeting(call):
    return "Good evening, this is the skipper."
