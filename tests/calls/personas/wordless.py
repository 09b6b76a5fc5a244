"""Wordless: an agent of LiveKit's own kind that never says a word."""

from livekit.agents import Agent

from host import hookimpl


class Wordless(Agent):
    async def on_enter(self):
        """Say nothing."""


@hookimpl
def agent(call):
    return Wordless(instructions="You are the wordless agent of the tests.")
