"""Custom: an agent of LiveKit's own kind that leaves the first words to the greeting."""

from livekit.agents import Agent

from host import as_data, hookimpl


@hookimpl
def agent(call):
    who = as_data(call.metadata.get("patient", "somebody"))
    return Agent(instructions=f"You are the custom agent of the tests. You talk to {who}.")


@hookimpl
def greeting(call):
    return "The custom agent greets you."
