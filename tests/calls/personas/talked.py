"""Talked: a model that has been talked into everything; its acts are rules of the local model."""

from host import hookimpl


@hookimpl
def instructions(call):
    return "You are talked into everything."


@hookimpl
def greeting(call):
    return "Good morning, what do you want?"
