"""A plain livekit-agents worker for one persona, as LiveKit's own examples are."""

import asyncio
import json
import math
import os

from livekit.agents import Agent, AgentServer, AgentSession, JobContext, TurnHandlingOptions, cli
from livekit.plugins import cartesia, deepgram, openai

from speed import words
from speed.arms import sounds

# Without a threshold and a load: where callers and LiveKit make the machine busy, which is no fault
# of its own, it would refuse calls, or LiveKit would not offer any.
server = AgentServer(host="127.0.0.1", port=0, load_threshold=math.inf, load_fnc=lambda server: 0.0)
blocking: set[asyncio.Task[None]] = set()


def turn_handling(delay: float | None) -> TurnHandlingOptions:
    handling: TurnHandlingOptions = {"turn_detection": "vad", "interruption": {"mode": "vad"}}
    if delay is not None:
        handling["endpointing"] = {"min_delay": delay}
    return handling


@server.rtc_session(agent_name=os.environ["AGENT_NAME"])
async def entrypoint(ctx: JobContext) -> None:
    # One script stands for the workers of all personas that are called: only one is up at a time.
    does = json.loads(ctx.job.metadata or "{}").get("persona", "").removeprefix("bench-")
    session: AgentSession[None] = AgentSession(
        stt=deepgram.STT(base_url=os.environ["DEEPGRAM_URL"]),
        llm=openai.LLM(model="gpt-4.1-mini", base_url=os.environ["OPENAI_BASE_URL"]),
        tts=cartesia.TTS(base_url=os.environ["CARTESIA_URL"]),
        turn_handling=turn_handling(words.ENDPOINTING.get(does)),
    )
    await session.start(agent=Agent(instructions=words.INSTRUCTIONS), room=ctx.room)
    if does not in words.BEHAVIOURS:
        await session.say(words.GREETING)
        return
    session.say("Hum.", audio=sounds.hum(), allow_interruptions=False)
    if does == "blocks":
        blocking.add(asyncio.create_task(sounds.block()))


if __name__ == "__main__":
    cli.run_app(server)
