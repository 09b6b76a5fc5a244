"""Enters: an agent of LiveKit's own kind that speaks when it enters."""

from livekit.agents import Agent

from host import hookimpl


class Enters(Agent):
    def __init__(self):
        super().__init__(instructions="You are the enterer of the tests.")

    async def on_enter(self):
        await self.session.say("I have just come in. Who is there?")


@hookimpl
def agent(call):
    return Enters()
