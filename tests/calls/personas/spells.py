"""Spells: its agent changes what is said on the way to the TTS."""

from host import hookimpl


@hookimpl
def greeting(call):
    return "This is Dr Jones."


@hookimpl
def agent(call):
    from livekit.agents import Agent

    class Spelling(Agent):
        async def tts_node(self, text, model_settings):
            async def spelt():
                async for part in text:
                    yield part.replace("Dr", "Doctor")

            async for frame in Agent.default.tts_node(self, spelt(), model_settings):
                yield frame

    return Spelling(instructions="You are the spelling one of the tests.")
