"""LiveKit's own Deepgram plugin, unchanged, against the server of this machine."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import pytest
from fixtures_speech import on_a_line
from livekit import rtc
from livekit.agents import APIConnectionError, APIConnectOptions, APIError, APIStatusError, stt
from livekit.plugins import deepgram

from host.local.deepgram import DeepgramServer
from host.local.speech import Sentences, speak
from host.local.speech.recogniser import recogniser
from host.local.speech.resample import resample

SCENE = ["What are your opening hours?", "Put me through to billing, please.", "It's at 3pm."]
ONCE = APIConnectOptions(max_retry=0, timeout=5)


@pytest.fixture(scope="module", autouse=True)
def no_process_left_behind() -> Iterator[None]:
    yield
    recogniser.close()


@pytest.fixture
async def server() -> AsyncIterator[DeepgramServer]:
    async with DeepgramServer(Sentences(SCENE)) as server:
        yield server


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def plugin(
    server: DeepgramServer, session: aiohttp.ClientSession, key: str = "any", **options: Any
) -> deepgram.STT:
    url = f"{server.url}/v1/listen"
    return deepgram.STT(base_url=url, api_key=key, http_session=session, **options)


async def frames(text: str, after: float = 0.6, rate: int = 16000) -> list[rtc.AudioFrame]:
    """A text on a telephone line, in frames of 20 ms."""
    sound = resample(on_a_line(await speak(text, 8000), after=after), 8000, rate)
    size = rate // 50
    return [
        rtc.AudioFrame(sound[at : at + size].tobytes(), rate, 1, size)
        for at in range(0, sound.size - size, size)
    ]


async def told(stream: stt.SpeechStream, until: stt.SpeechEventType) -> list[stt.SpeechEvent]:
    """What the plugin tells, up to an event of a type; limited to 20 s."""
    events = []
    async with asyncio.timeout(20):
        async for event in stream:
            events.append(event)
            if event.type is until:
                break
    return events


async def test_a_sentence_is_transcribed_from_its_start_to_its_end(
    server: DeepgramServer, session: aiohttp.ClientSession
) -> None:
    async with plugin(server, session).stream() as stream:
        for frame in await frames(SCENE[0]):
            stream.push_frame(frame)
        events = await told(stream, stt.SpeechEventType.END_OF_SPEECH)
    kinds = [e.type for e in events if e.type is not stt.SpeechEventType.RECOGNITION_USAGE]
    assert kinds == [
        stt.SpeechEventType.START_OF_SPEECH,
        stt.SpeechEventType.INTERIM_TRANSCRIPT,
        stt.SpeechEventType.FINAL_TRANSCRIPT,
        stt.SpeechEventType.END_OF_SPEECH,
    ]
    (final,) = (e for e in events if e.type is stt.SpeechEventType.FINAL_TRANSCRIPT)
    words = final.alternatives[0]
    assert words.text == SCENE[0]
    assert words.words
    assert [word for word in words.words] == SCENE[0].split()
    assert words.start_time == pytest.approx(0.5, abs=0.15)
    assert 0 < words.confidence <= 1
    assert server.heard == [SCENE[0]]
    assert server.requests[0]["sample_rate"] == "16000"
    assert set(server.ears) == {(server.requests[0]["model"], server.requests[0]["language"])}
    assert len(server.ears) == len(server.heard)


async def test_two_sentences_in_a_row_are_one_utterance(
    server: DeepgramServer, session: aiohttp.ClientSession
) -> None:
    async with plugin(server, session, interim_results=False).stream() as stream:
        for frame in await frames(f"{SCENE[2]} {SCENE[1]}"):
            stream.push_frame(frame)
        events = await told(stream, stt.SpeechEventType.END_OF_SPEECH)
    texts = [e.alternatives[0].text for e in events if e.alternatives]
    assert texts == [f"{SCENE[2]} {SCENE[1]}"]


async def test_the_end_of_the_input_brings_out_what_was_said_last(
    server: DeepgramServer, session: aiohttp.ClientSession
) -> None:
    async with plugin(server, session).stream() as stream:
        for frame in await frames(SCENE[1], after=0.02):
            stream.push_frame(frame)
        stream.end_input()
        events = await told(stream, stt.SpeechEventType.FINAL_TRANSCRIPT)
    assert events[-1].alternatives[0].text == SCENE[1]


async def test_speech_that_is_not_of_the_scene_starts_and_ends_without_words(
    server: DeepgramServer, session: aiohttp.ClientSession
) -> None:
    async with plugin(server, session).stream() as stream:
        for frame in await frames("The quick brown fox jumps over the lazy dog."):
            stream.push_frame(frame)
        events = await told(stream, stt.SpeechEventType.END_OF_SPEECH)
    assert not [e for e in events if e.alternatives]


async def test_a_recording_is_transcribed_at_once(
    server: DeepgramServer, session: aiohttp.ClientSession
) -> None:
    event = await plugin(server, session).recognize(await frames(SCENE[0]), conn_options=ONCE)
    assert event.alternatives[0].text == SCENE[0]


async def test_an_utterance_end_is_sent_to_those_who_ask_for_it(
    server: DeepgramServer, session: aiohttp.ClientSession
) -> None:
    query = "encoding=linear16&sample_rate=16000&interim_results=true&utterance_end_ms=1000"
    headers = {"Authorization": "Token any"}
    async with session.ws_connect(f"{server.url}/v1/listen?{query}", headers=headers) as socket:
        for frame in await frames(SCENE[0], after=1.5):
            await socket.send_bytes(frame.data.tobytes())
        kinds = []
        async with asyncio.timeout(20):
            while "UtteranceEnd" not in kinds:
                kinds.append((await socket.receive_json())["type"])
            await socket.send_str('{"type": "CloseStream"}')
            while "Metadata" not in kinds:
                kinds.append((await socket.receive_json())["type"])
    assert "SpeechStarted" not in kinds


async def test_a_wrong_key_is_refused_as_deepgram_does(
    server: DeepgramServer, session: aiohttp.ClientSession
) -> None:
    with pytest.raises(APIStatusError) as refused:
        async with plugin(server, session, key="wrong").stream(conn_options=ONCE) as stream:
            await told(stream, stt.SpeechEventType.END_OF_SPEECH)
    assert refused.value.status_code == 401
    address = f"{server.url}/v1/listen?encoding=linear16&sample_rate=16000"
    async with session.get(address, headers={"Authorization": "Token wrong"}) as answer:
        assert answer.content_type == "application/json"
        assert (await answer.json())["err_code"] == "INVALID_AUTH"


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_failure_has_the_status_that_was_asked_for(
    status: int, server: DeepgramServer, session: aiohttp.ClientSession
) -> None:
    server.fail_with = status
    with pytest.raises(APIStatusError) as failed:
        async with plugin(server, session).stream(conn_options=ONCE) as stream:
            await told(stream, stt.SpeechEventType.END_OF_SPEECH)
    assert failed.value.status_code == status


async def test_a_server_that_hangs_understands_nothing(
    server: DeepgramServer, session: aiohttp.ClientSession
) -> None:
    server.hang = True
    query, headers = "encoding=linear16&sample_rate=16000", {"Authorization": "Token any"}
    async with session.ws_connect(f"{server.url}/v1/listen?{query}", headers=headers) as socket:
        for frame in await frames(SCENE[0]):
            await socket.send_bytes(frame.data.tobytes())
        await socket.send_str('{"type": "CloseStream"}')
        assert (await socket.receive_json(timeout=20))["type"] == "Metadata"
    assert server.heard == []


async def test_a_server_that_went_away_is_an_api_error(
    server: DeepgramServer, session: aiohttp.ClientSession
) -> None:
    stt_of_a_dead_server = plugin(server, session)
    await server.__aexit__(None, None, None)
    with pytest.raises((APIConnectionError, APIError)):
        async with stt_of_a_dead_server.stream(conn_options=ONCE) as stream:
            await told(stream, stt.SpeechEventType.END_OF_SPEECH)
