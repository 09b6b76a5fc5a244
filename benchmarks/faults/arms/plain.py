"""Reader: the persona of the benchmark, as a plain livekit-agents worker.

Written as LiveKit's own examples are: https://github.com/livekit/agents/tree/main/examples.
"""

import asyncio
import json
import math
import os

from faults import trouble
from faults.words import GREETING, INSTRUCTIONS
from livekit import api
from livekit.agents import Agent, AgentServer, AgentSession, JobContext, cli, function_tool
from livekit.plugins import cartesia, deepgram, openai

# Without a threshold: a busy machine would make it refuse calls, and that is no fault of its own.
server = AgentServer(host="127.0.0.1", port=0, load_threshold=math.inf)


class Reader(Agent):
    def __init__(self, room: str, does: str) -> None:
        super().__init__(instructions=INSTRUCTIONS)
        self._room, self._does = room, does

    @function_tool
    async def do_it(self) -> str:
        """Do what the caller asks for."""
        return await trouble.befall(self._room, self._does)


@server.rtc_session(agent_name="host")
async def entrypoint(ctx: JobContext) -> None:
    details = json.loads(ctx.job.metadata or "{}")
    room, does = ctx.job.room.name, details.get("does", "")
    trouble.taken(room)
    if does == "mute":
        await asyncio.sleep(3600)
    if does == "fail at the start":
        trouble.fail()
    session: AgentSession[None] = AgentSession(
        stt=deepgram.STT(base_url=os.environ["DEEPGRAM_URL"]),
        llm=openai.LLM(model="gpt-4.1-mini", base_url=os.environ["OPENAI_BASE_URL"]),
        tts=cartesia.TTS(base_url=os.environ["CARTESIA_URL"]),
        turn_handling={"turn_detection": "vad", "interruption": {"mode": "vad"}},
    )
    await session.start(agent=Reader(room, does), room=ctx.room)
    if number := details.get("phone_number"):
        request = api.CreateSIPParticipantRequest(
            room_name=room,
            sip_trunk_id=os.environ["SIP_TRUNK"],
            sip_call_to=number,
            participant_identity=number,
            wait_until_answered=True,
        )
        try:
            await ctx.api.sip.create_sip_participant(request)
        except api.ServerError:
            ctx.shutdown()
            return
    await session.say(GREETING)
    if does == "hum":
        session.say("Hum.", audio=trouble.hum(), allow_interruptions=False, add_to_chat_ctx=False)
    if does == "fail when greeted":
        await trouble.befall(room, "fail")


if __name__ == "__main__":
    cli.run_app(server)
