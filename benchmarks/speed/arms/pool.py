"""All personas in one process without isolation: openrtc's pool, in its coroutine mode.

Written as https://docs.openrtc.tech shows it. The greeting is said by the agent itself: the one of
`pool.add` is made by the LLM first. Turns are the VAD's, as for the other targets: LiveKit's turn
detector is left out, whose weights would have to be downloaded, and that saves memory.
"""

import asyncio
import math
import os
import sys
from types import ModuleType

from livekit.agents import Agent
from livekit.plugins import cartesia, deepgram, openai
from openrtc import AgentPool

from speed import words
from speed.arms import sounds

blocking: set[asyncio.Task[None]] = set()


class Greets(Agent):
    def __init__(self) -> None:
        super().__init__(instructions=words.INSTRUCTIONS)

    async def on_enter(self) -> None:
        await self.session.say(words.GREETING)


class Hums(Greets):
    async def on_enter(self) -> None:
        self.session.say("Hum.", audio=sounds.hum(), allow_interruptions=False)


class Blocks(Hums):
    async def on_enter(self) -> None:
        await super().on_enter()
        blocking.add(asyncio.create_task(sounds.block()))


def leave_out_the_turn_detector() -> None:
    """Let openrtc (0.20.1) find it, which it always wants, without what makes it run."""
    module = ModuleType("livekit.plugins.turn_detector.multilingual")
    vars(module)["MultilingualModel"] = object
    sys.modules[module.__name__] = module


def main() -> None:
    leave_out_the_turn_detector()
    pool = AgentPool(
        default_stt=deepgram.STT(base_url=os.environ["DEEPGRAM_URL"]),
        default_llm=openai.LLM(model="gpt-4.1-mini", base_url=os.environ["OPENAI_BASE_URL"]),
        default_tts=cartesia.TTS(base_url=os.environ["CARTESIA_URL"]),
        agent_name=os.environ["AGENT_NAME"],
        port=0,
    )
    # As for plain; when its event loop is late, openrtc still tells LiveKit that it is full.
    pool.server.update_options(load_threshold=math.inf)
    turns = {"turn_detection": "vad", "interruption": {"mode": "vad"}}
    for does, delay in words.ENDPOINTING.items():
        own = turns if delay is None else turns | {"endpointing": {"min_delay": delay}}
        pool.add(words.persona(does), Greets, turn_handling=own)
    pool.add(words.persona("hums"), Hums, turn_handling=turns)
    pool.add(words.persona("blocks"), Blocks, turn_handling=turns)
    for at in range(int(os.environ["PERSONAS"]) - 1):
        pool.add(f"idle-{at}", Greets, turn_handling=turns)
    pool.run()


if __name__ == "__main__":
    main()
