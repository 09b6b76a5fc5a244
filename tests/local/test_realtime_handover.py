"""A call is handed over to a realtime model and back, in one session without a room.

LiveKit's realtime plugin talks with the local realtime model. The other persona has an STT, an LLM
and a TTS in memory: its words are in the samples, and can't be taken for speech.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from deployment import Deployment
from in_memory.sound import read, speak
from in_memory.speech import Listener, Llm, Speaker, Stt, Thinker, Tts, Vad
from livekit.plugins.openai.realtime import RealtimeModel
from mouth_and_ear import Ear, MouthOnTheLine

from host import registry
from host.call.live import LiveCall
from host.call.state import CallState
from host.local.realtime import RealtimeServer
from host.local.rules import Rule
from host.local.speech import Sentences
from host.registry import read_settings
from host.speech.persona_agent import brief
from host.speech.session import make_session

LIMIT = 30.0
"""Seconds that anything may take here: a call on a line takes as long as what is said."""
BOOKING, BACK = "Please book me in for Friday.", "Back to the clerk please."
RULES = (
    Rule(hears="live one", calls=("hand_over", {"to": "live", "note": "wants to book"})),
    Rule(hears="clerk", says="The clerk has you again."),
    Rule(hears="really", says="Really, says the clerk."),
)
REPLIES = (
    Rule(hears="book me in", calls=("book", {"day": "Friday"})),
    Rule(after="book", says="You are booked for Friday."),
    Rule(hears="clerk", calls=("hand_over", {"to": "clerk", "note": "has booked"})),
    Rule(hears="live one", says="The live one speaks now."),
)
TABLES = """
    turn_detection = "vad"
    [personas.clerk]
    hands_over_to = ["live"]
    [personas.live]
    hands_over_to = ["clerk"]
    """
LIVE = '''
    """Live: books."""

    from host import hookimpl


    @hookimpl
    def instructions(call):
        return "You are the live one."


    @hookimpl
    def tools(call):
        async def book(day: str) -> str:
            """Book an appointment."""
            return day

        return [book]
    '''


class AtTheClerk:
    """A call that the clerk has, and its caller."""

    def __init__(self, call: LiveCall) -> None:
        self.call, self.thinker, self.speaker = call, Thinker(RULES), Speaker()
        self.mouth, self.ear = MouthOnTheLine(), Ear(LIMIT)

    async def says_to_the_clerk(self, text: str) -> None:
        """Say something that an STT in memory understands."""
        await self._has_the_word()
        self.mouth.play(speak(text, 16000))

    async def says(self, text: str) -> None:
        """Say something aloud."""
        await self._has_the_word()
        await self.mouth.say(text)

    async def _has_the_word(self) -> None:
        """Wait until the persona has noticed that it was heard to its end."""
        session, listening = self.call.session, asyncio.Event()
        assert session is not None

        def stirred(*_: object) -> None:
            if session.agent_state == "listening":
                listening.set()

        session.on("agent_state_changed", stirred)
        stirred()
        await asyncio.wait_for(listening.wait(), LIMIT)
        session.off("agent_state_changed", stirred)

    async def hears_the_clerk(self, text: str) -> None:
        """The next thing heard is this text, from the TTS in memory."""
        assert read(await self.ear.sound(), 24000).strip() == text


@asynccontextmanager
async def at_the_clerk(
    deployment: Deployment, server: RealtimeServer, options: dict[str, Any]
) -> AsyncIterator[AtTheClerk]:
    """A call that the clerk has, and may hand over to the realtime model, which has options."""
    deployment.persona("clerk")
    deployment.write("personas/live.py", LIVE)
    deployment.write("host.toml", TABLES)
    settings = read_settings()
    clerk, live = (registry.load(settings).view(name) for name in ("clerk", "live"))
    state = CallState(id="AJ_1", greeted=True)
    there = AtTheClerk(LiveCall(settings, state, persona="clerk", hooks=clerk))
    state.begin_share("clerk")
    state.mark("answered")
    by_default = clerk.session_options
    vars(clerk).update(
        stt=lambda call: Stt(Listener(), "nova-3"),
        llm=lambda call: Llm(there.thinker, "rules"),
        tts=lambda call: Tts(there.speaker, "sonic-3"),
        session_options=lambda call: [{"vad": Vad()}, *by_default(call=call)],
    )
    async with aiohttp.ClientSession() as http:
        vars(live).update(
            llm=lambda call: RealtimeModel(base_url=server.url, api_key="local", http_session=http),
            session_options=lambda call: [options, *by_default(call=call)],
        )
        session, agent = make_session(there.call)
        await brief(there.call, agent)
        session.input.audio, session.output.audio = there.mouth, there.ear
        async with session:
            await session.start(agent, record=False)
            yield there
        await there.call.settle(1)


@pytest.mark.parametrize(
    "options",
    [{"turn_handling": {"turn_detection": "realtime_llm"}}, {}],
    ids=["the server takes turns", "the client takes turns"],
)
async def test_a_call_goes_to_a_realtime_model_and_back(
    deployment: Deployment, options: dict[str, Any]
) -> None:
    async with (
        RealtimeServer(Sentences([BOOKING, BACK]), REPLIES) as server,
        at_the_clerk(deployment, server, options) as there,
    ):
        await there.says_to_the_clerk("Give me the live one.")
        await there.ear.hears("The live one speaks now.")
        await there.says(BOOKING)
        await there.ear.hears("You are booked for Friday.")
        await there.says(BACK)
        await there.hears_the_clerk("The clerk has you again.")
        await there.says_to_the_clerk("Really?")
        await there.hears_the_clerk("Really, says the clerk.")
    assert there.ear.silent
    state = there.call.state
    assert [share.name for share in state.personas] == ["clerk", "live", "clerk"]
    assert [(tool.name, tool.result, tool.failed) for tool in state.tools] == [
        ("hand_over", "live has the call now.", False),
        ("book", "Friday", False),
        ("hand_over", "clerk has the call now.", False),
    ]
    assert [(line.who, line.text) for line in state.transcript] == [
        ("caller", "Give me the live one."),
        ("persona", "The live one speaks now."),
        ("caller", BOOKING),
        ("persona", "You are booked for Friday."),
        ("caller", BACK),
        ("persona", "The clerk has you again."),
        ("caller", "Really?"),
        ("persona", "Really, says the clerk."),
    ]
    known = [str(message.get("content")) for message in there.thinker.requests[-1]["messages"]]
    assert BOOKING in known, "what was said to the realtime model goes along"
    assert "You are booked for Friday." in known
