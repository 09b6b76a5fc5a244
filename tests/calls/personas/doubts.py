"""Doubts: wants to know after the call what its LLM never gets right."""

from host import hookimpl

from .concludes import Visit


@hookimpl
def instructions(call):
    return "You are the concluding one of the tests."


@hookimpl
def greeting(call):
    return "What is it about?"


@hookimpl
def conclusions(call):
    return Visit
