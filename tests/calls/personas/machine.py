"""Machine: says what it is before an agent of LiveKit's own kind enters and speaks."""

from livekit.agents import Agent

from host import hookimpl


class Machine(Agent):
    def __init__(self):
        super().__init__(instructions="You are the machine of the tests.")

    async def on_enter(self):
        await self.session.say("Now I have come in as well.")


@hookimpl
def agent(call):
    return Machine()
