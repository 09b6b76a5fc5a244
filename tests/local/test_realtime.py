"""LiveKit's own realtime plugin, unchanged, talks with the local realtime model."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

import aiohttp
import numpy as np
import pytest
from livekit.agents import AgentSession, APIConnectOptions, RunResult
from livekit.plugins.openai.realtime import RealtimeModel
from mouth_and_ear import LIMIT, Ear, Mouth, MouthOnTheLine

from host.call.live import LiveCall
from host.call.state import CallState
from host.local.realtime import RealtimeServer
from host.local.realtime.conversation import Conversation, Refused
from host.local.realtime.replies import exact_words
from host.local.rules import Rule
from host.local.speech import Sentences, speak
from host.registry import defaults
from host.settings import Settings
from host.speech.greeting import greet
from host.speech.session import make_session

GREETING = "Molar Dental, good morning. How can I help you?"
HOURS = "What are your opening hours?"
BOOKING = "Please book me in for Friday."
OPENING = "Hello, how can I help you?"
REPLIES = (
    Rule(hears="opening hours", says="We are open from nine to five."),
    Rule(hears="book me in", calls=("book", {"day": "Friday"})),
    Rule(after="book", says="You are booked for Friday."),
)
SERVER_TAKES_TURNS = {
    "turn_handling": {"turn_detection": "realtime_llm"},
    "aec_warmup_duration": None,  # as the host does on a telephone
}
CLIENT_TAKES_TURNS = {"turn_handling": {"turn_detection": "manual"}}


class Conversing:
    """A call whose persona has a realtime model, and its caller."""

    def __init__(self, call: LiveCall, session: AgentSession[Any], agent: Any) -> None:
        self.call, self.session, self.agent = call, session, agent
        self.mouth, self.ear = Mouth(), Ear()
        self.booked: list[str] = []

    @property
    def transcript(self) -> list[tuple[str, str]]:
        return [(line.who, line.text) for line in self.call.state.transcript]


@pytest.fixture
async def server() -> AsyncIterator[RealtimeServer]:
    async with RealtimeServer(Sentences(["Hello?", HOURS, BOOKING]), REPLIES) as server:
        yield server


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as http:
        yield http


@asynccontextmanager
async def conversing(
    server: RealtimeServer,
    http: aiohttp.ClientSession,
    options: dict[str, Any] = SERVER_TAKES_TURNS,
    *,
    mouth: type[Mouth] = Mouth,
    key: str = "local",
    **model: Any,
) -> AsyncIterator[Conversing]:
    """A call, made as the host makes it, whose session is open. Nobody has been greeted yet."""

    async def book(day: str) -> str:
        """Book an appointment."""
        there.booked.append(day)
        return day

    realtime = RealtimeModel(base_url=server.url, api_key=key, http_session=http, **model)
    hooks: Any = SimpleNamespace(
        session_options=lambda call: [options],
        stt=lambda call: None,
        llm=lambda call: realtime,
        tts=lambda call: None,
        tools=lambda call: [[book]],
        agent=lambda call: None,
        instructions=lambda call: "You are the receptionist of Molar Dental.",
        greeting=lambda call: GREETING,
    )
    call = LiveCall(Settings(), CallState(id="AJ_1", room="sales-1"), persona="sales", hooks=hooks)
    there = Conversing(call, *make_session(call))
    if realtime.capabilities.audio_output:
        there.mouth = mouth()
        there.session.input.audio, there.session.output.audio = there.mouth, there.ear
    await there.session.start(there.agent, record=False)
    try:
        yield there
    finally:
        await asyncio.wait_for(there.session.aclose(), LIMIT)


async def test_the_greeting_is_heard_once_and_in_its_exact_words(
    server: RealtimeServer, http: aiohttp.ClientSession
) -> None:
    async with conversing(server, http) as there:
        await greet(there.call, there.agent)
        await greet(there.call, there.agent)
        await there.ear.hears(GREETING)
    assert there.ear.silent
    assert server.spoken == [GREETING]
    assert list(server.agents) == ["Molar Dental, good morning.", "How can I help you?"]
    assert there.transcript == [("persona", GREETING)]


async def test_a_spoken_question_gets_its_reply(
    server: RealtimeServer, http: aiohttp.ClientSession
) -> None:
    async with conversing(server, http) as there:
        await greet(there.call, there.agent)
        await there.ear.hears(GREETING)
        await there.mouth.say(HOURS)
        await there.ear.hears("We are open from nine to five.")
    assert there.ear.silent
    assert there.transcript[1:] == [
        ("caller", HOURS),
        ("persona", "We are open from nine to five."),
    ]


async def test_the_model_calls_a_tool_and_speaks_of_its_result(
    server: RealtimeServer, http: aiohttp.ClientSession
) -> None:
    async with conversing(server, http) as there:
        await greet(there.call, there.agent)
        await there.ear.hears(GREETING)
        await there.mouth.say(BOOKING)
        await there.ear.hears("You are booked for Friday.")
    assert there.booked == ["Friday"]
    assert [(use.name, use.result) for use in there.call.state.tools] == [("book", "Friday")]
    assert server.spoken == [GREETING, "You are booked for Friday."]


async def test_a_caller_who_speaks_over_the_model_is_answered(
    server: RealtimeServer, http: aiohttp.ClientSession
) -> None:
    async with conversing(server, http) as there:
        told: list[dict[str, Any]] = []
        model = there.session.current_agent.realtime_llm_session
        model.on("openai_server_event_received", told.append)
        there.ear.slow = True
        await greet(there.call, there.agent)
        await asyncio.wait_for(there.ear.begun.wait(), LIMIT)
        await there.mouth.say(HOURS)
        await there.ear.hears("We are open from nine to five.")
    cut = [event for event in told if event["type"] == "conversation.item.truncated"]
    assert cut[0]["audio_end_ms"] == 1000
    assert not [event for event in told if event["type"] == "error"]


async def test_a_client_that_takes_turns_itself_commits_them(
    server: RealtimeServer, http: aiohttp.ClientSession
) -> None:
    async with conversing(server, http, CLIENT_TAKES_TURNS) as there:
        sent: asyncio.Queue[str] = asyncio.Queue()
        model = there.session.current_agent.realtime_llm_session
        model.on("openai_client_event_queued", lambda event: sent.put_nowait(event["type"]))
        await there.mouth.say(HOURS)
        async with asyncio.timeout(LIMIT):
            for _ in range(20):  # two seconds of sound
                while await sent.get() != "input_audio_buffer.append":
                    pass
        assert server.spoken == []
        there.session.commit_user_turn(transcript_timeout=0, stt_flush_duration=0)
        await there.ear.hears("We are open from nine to five.")


async def test_the_hosts_own_settings_let_the_client_take_turns(
    server: RealtimeServer, http: aiohttp.ClientSession
) -> None:
    call = LiveCall(Settings())
    own = dict(defaults.session_options(call.call))
    async with conversing(server, http, own, mouth=MouthOnTheLine) as there:
        await there.mouth.say("Hello?")  # before the greeting: heard, and left to it
        await asyncio.wait_for(transcribed(there), LIMIT)
        await greet(there.call, there.agent)
        await there.ear.hears(GREETING)
    assert there.ear.silent
    assert there.transcript == [("caller", "Hello?"), ("persona", GREETING)]


async def transcribed(there: Conversing) -> None:
    """Return when the caller's words have been written down."""
    written = asyncio.Event()
    there.session.on("user_input_transcribed", lambda event: written.set())
    await written.wait()


async def test_a_text_model_reads_and_writes(
    server: RealtimeServer, http: aiohttp.ClientSession
) -> None:
    async with conversing(server, http, modalities=["text"]) as there:
        await greet(there.call, there.agent)
        run: RunResult[None] = there.session.run(user_input=HOURS)
        result = await asyncio.wait_for(run, LIMIT)
        result.expect.contains_message(role="assistant")
    assert server.spoken[-1] == "We are open from nine to five."
    assert there.transcript == [
        ("persona", GREETING),
        ("persona", "We are open from nine to five."),
    ]


async def test_a_wrong_key_is_an_error_for_good_and_nothing_hangs(
    server: RealtimeServer, http: aiohttp.ClientSession
) -> None:
    once = APIConnectOptions(max_retry=0, timeout=LIMIT)
    async with conversing(server, http, key="wrong", conn_options=once) as there:
        failures: asyncio.Queue[Any] = asyncio.Queue()
        there.session.on("error", lambda event: failures.put_nowait(event.error))
        error = await asyncio.wait_for(failures.get(), LIMIT)
    assert not error.recoverable
    assert "401" in str(error.error)
    assert server.spoken == []


# The protocol itself, without the plugin


class Client:
    """A websocket to the server, in OpenAI's words."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket

    async def send(self, kind: str, **fields: Any) -> None:
        await self._socket.send_json({"type": kind, "event_id": "mine", **fields})

    async def send_raw(self, text: str | bytes) -> None:
        if isinstance(text, str):
            await self._socket.send_str(text)
        else:
            await self._socket.send_bytes(text)

    async def get(self, *, until: str) -> list[dict[str, Any]]:
        """Give all events up to the next one of that type."""
        events: list[dict[str, Any]] = []
        while not events or events[-1]["type"] != until:
            events.append(await self._socket.receive_json(timeout=LIMIT))
        return events


@pytest.fixture
async def client(server: RealtimeServer, http: aiohttp.ClientSession) -> AsyncIterator[Client]:
    key = {"Authorization": "Bearer local"}
    async with http.ws_connect(f"{server.url}/v1/realtime?model=any", headers=key) as socket:
        client = Client(socket)
        await client.get(until="session.created")
        yield client


@pytest.mark.parametrize("headers", [{"Authorization": "Bearer wrong"}, {}])
async def test_nobody_comes_in_with_a_wrong_key_or_none(
    server: RealtimeServer, http: aiohttp.ClientSession, headers: dict[str, str]
) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
        await http.ws_connect(f"{server.url}/v1/realtime", headers=headers)
    assert refusal.value.status == 401


async def test_a_response_is_told_in_openais_order(client: Client) -> None:
    await client.send("response.create")
    events = await client.get(until="response.done")
    once = list(dict.fromkeys(event["type"] for event in events))
    assert once == [
        "response.created",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "response.output_audio_transcript.delta",
        "response.output_audio_transcript.done",
        "response.output_audio.delta",
        "response.output_audio.done",
        "response.content_part.done",
        "response.output_item.done",
        "conversation.item.done",
        "response.done",
    ]
    done = events[-1]["response"]
    assert done["status"] == "completed"
    assert done["output"][0]["content"] == [{"type": "output_audio", "transcript": OPENING}]
    assert done["usage"]["output_token_details"]["text_tokens"] == len(OPENING.split())
    words = [event["delta"] for event in events if event["type"].endswith("transcript.delta")]
    assert "".join(words) == OPENING


async def test_a_spoken_turn_is_told_in_openais_order(client: Client) -> None:
    settled = {"input": {"transcription": {"model": "any"}}}
    await client.send("session.update", session={"type": "realtime", "audio": settled})
    speech = np.concatenate([await speak(HOURS, 24000), np.zeros(24000, np.int16)])
    for at in range(0, speech.size, 2400):
        sound = base64.b64encode(speech[at : at + 2400].tobytes()).decode()
        await client.send("input_audio_buffer.append", audio=sound)
    events = await client.get(until="response.created")
    kinds = [event["type"] for event in events]
    written = "conversation.item.input_audio_transcription"
    assert kinds == [
        "session.updated",
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
        f"{written}.delta",
        f"{written}.completed",
        "response.created",
    ]
    assert len({event["item_id"] for event in events if "item_id" in event}) == 1
    assert events[-2]["transcript"] == HOURS
    length = events[2]["audio_end_ms"] - events[1]["audio_start_ms"]
    assert abs(length / 1000 - (speech.size / 24000 - 1)) < 0.2


async def test_a_response_that_is_cancelled_says_so_and_the_next_one_is_whole(
    client: Client,
) -> None:
    await client.send("response.create", response={"metadata": {"client_event_id": "first"}})
    await client.send("response.cancel")
    cancelled = (await client.get(until="response.done"))[-1]["response"]
    assert cancelled["status"] == "cancelled"
    assert cancelled["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    assert cancelled["metadata"] == {"client_event_id": "first"}
    await client.send("response.create")
    assert (await client.get(until="response.done"))[-1]["response"]["status"] == "completed"


async def test_there_is_one_response_at_a_time(client: Client) -> None:
    await client.send("response.create")
    await client.send("response.create")
    error = (await client.get(until="error"))[-1]["error"]
    assert error["code"] == "conversation_already_has_active_response"
    assert error["event_id"] == "mine"
    await client.get(until="response.done")


async def test_items_are_made_cut_and_deleted(client: Client) -> None:
    await client.send("response.create")
    said = (await client.get(until="response.done"))[-1]["response"]["output"][0]
    await client.send("conversation.item.truncate", item_id=said["id"], audio_end_ms=300)
    cut = (await client.get(until="conversation.item.truncated"))[-1]
    assert (cut["item_id"], cut["audio_end_ms"]) == (said["id"], 300)
    words = [{"type": "input_text", "text": HOURS}]
    written = {"id": "one", "type": "message", "role": "user", "content": words}
    await client.send("conversation.item.create", item=written, previous_item_id="root")
    added = (await client.get(until="conversation.item.added"))[-1]
    assert (added["item"]["id"], added["previous_item_id"]) == ("one", None)
    await client.send("conversation.item.create", item=written)
    assert (await client.get(until="error"))[-1]["error"]["code"] == "item_create_duplicate_item_id"
    await client.send("conversation.item.delete", item_id="one")
    assert (await client.get(until="conversation.item.deleted"))[-1]["item_id"] == "one"


WRONG: list[str | bytes] = [
    "",
    "no json",
    "[]",
    "null",
    "[" * 100_000,
    b"\0\1",
    '{"type": 3}',
    '{"type": "session.update"}',
    '{"type": "session.update", "session": []}',
    '{"type": "session.update", "session": {"audio": {"input": 1}}}',
    '{"type": "session.update", "session": {"audio": {"input": {"turn_detection": "yes"}}}}',
    '{"type": "session.update", "session": {"instructions": null}}',
    '{"type": "session.update", "session": {"output_modalities": 7}}',
    '{"type": "session.update", "session": {"tools": [5]}}',
    '{"type": "session.update", "session": {"tools": [{"name": "a", "parameters": 1}]}}',
    '{"type": "session.update", "session": {"tool_choice": {"type": "function"}}}',
    '{"type": "input_audio_buffer.append", "audio": 5}',
    '{"type": "input_audio_buffer.append", "audio": "AA=="}',
    '{"type": "input_audio_buffer.append", "audio": "?!"}',
    '{"type": "input_audio_buffer.commit"}',
    '{"type": "conversation.item.create", "item": {"type": "song"}}',
    '{"type": "conversation.item.create", "item": {"type": "message", "role": "user",'
    ' "content": [{"text": 5}]}}',
    '{"type": "conversation.item.create", "item": {"type": "function_call_output"}}',
    '{"type": "conversation.item.delete", "item_id": "none"}',
    '{"type": "conversation.item.truncate", "item_id": "none", "audio_end_ms": "x"}',
    '{"type": "response.create", "response": 5}',
    '{"type": "response.create", "response": {"metadata": "x"}}',
    '{"type": "response.create", "response": {"tools": [5]}}',
    '{"type": "response.create", "response": {"tool_choice": {"type": "function"}}}',
    '{"type": "response.cancel"}',
]


async def test_whatever_is_wrong_gets_an_error_and_the_connection_lives(client: Client) -> None:
    for wrong in WRONG:
        await client.send_raw(wrong)
        events = await client.get(until="error")
        assert len(events) == 1, wrong
        json.dumps(events)
    await client.send("response.create")
    assert (await client.get(until="response.done"))[-1]["response"]["status"] == "completed"


async def test_a_client_may_leave_in_the_middle_of_anything(
    server: RealtimeServer, http: aiohttp.ClientSession
) -> None:
    key = {"Authorization": "Bearer local"}
    for _ in range(3):
        async with http.ws_connect(f"{server.url}/realtime", headers=key) as socket:
            await socket.send_json({"type": "input_audio_buffer.append", "audio": "AAAA" * 4000})
            await socket.send_json({"type": "response.create"})
    async with http.ws_connect(f"{server.url}/realtime", headers=key) as socket:
        assert (await socket.receive_json(timeout=LIMIT))["type"] == "session.created"


# What is answered


def test_exact_words_are_all_that_follow_the_demand() -> None:
    assert exact_words("Be brief.\nOpen the call with exactly these words: Hello: it's me.\n") == (
        "Hello: it's me."
    )
    assert exact_words("Say goodbye in one short sentence.") is None


def test_a_conversation_keeps_its_order() -> None:
    conversation = Conversation()
    for name, after in (("b", None), ("d", None), ("a", "root"), ("c", "b")):
        conversation.add({"id": name, "type": "message", "role": "user"}, after)
    assert [item["id"] for item in conversation] == ["a", "b", "c", "d"]
    with pytest.raises(Refused, match="no item 'x' to follow"):
        conversation.add({"id": "e", "type": "message", "role": "user"}, "x")
