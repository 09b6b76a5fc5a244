"""Custom: an agent of LiveKit's own kind that leaves the first words to the greeting."""

from livekit.agents import Agent

from host import hookimpl


@hookimpl
def agent(call):
    return Agent(instructions="You are the custom agent of the tests.")


@hookimpl
def greeting(call):
    return "The custom agent greets you."
