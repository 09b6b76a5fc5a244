"""LiveKit's own Cartesia plugin, unchanged, against the server of this machine."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import numpy as np
import pytest
from livekit.agents import APIConnectOptions, APIError, APIStatusError, APITimeoutError
from livekit.agents.tts import TTS
from livekit.agents.types import USERDATA_TIMED_TRANSCRIPT, TimedString
from livekit.agents.utils import is_given
from livekit.plugins import cartesia

from host.local.cartesia import CartesiaServer
from host.local.speech import Sentences, locate, speak
from host.local.speech.audio import Samples

LONG = "Hello, this is Molar Dental calling for Ann. Your appointment is tomorrow at three o'clock."
ONCE = APIConnectOptions(max_retry=0, timeout=5)


@pytest.fixture
async def server() -> AsyncIterator[CartesiaServer]:
    async with CartesiaServer(Sentences()) as server:
        yield server


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


def plugin(
    server: CartesiaServer, session: aiohttp.ClientSession, key: str = "any", **options: Any
) -> cartesia.TTS:
    return cartesia.TTS(base_url=server.url, api_key=key, http_session=session, **options)


async def streamed(
    tts: TTS[Any], *texts: str, options: APIConnectOptions = ONCE
) -> tuple[Samples, list[TimedString]]:
    """The sound of a stream into which texts are pushed, and its timed words."""
    sound: list[Samples] = []
    words: list[TimedString] = []
    async with asyncio.timeout(20), tts.stream(conn_options=options) as stream:
        for text in texts:
            stream.push_text(text)
        stream.end_input()
        async for audio in stream:
            sound.append(np.frombuffer(audio.frame.data, np.int16))
            words += audio.frame.userdata.get(USERDATA_TIMED_TRANSCRIPT, [])
    return np.concatenate(sound), words


async def test_a_text_is_spoken_in_whole_sentence_by_sentence(
    server: CartesiaServer, session: aiohttp.ClientSession
) -> None:
    async with plugin(server, session) as tts:
        sound, words = await streamed(tts, LONG[:30], LONG[30:])
    (found,) = locate(sound, 24000, LONG)
    assert found.whole
    assert found.share == 1.0
    assert "".join(words).split() == LONG.split()
    starts = [word.start_time for word in words if is_given(word.start_time)]
    assert len(starts) == len(words)
    assert starts == sorted(starts)
    assert words[-1].end_time == pytest.approx(sound.size / 24000, abs=0.01)
    assert " ".join(server.spoken) == LONG


async def test_sentences_sound_the_same_whether_they_come_at_once_or_one_by_one(
    server: CartesiaServer, session: aiohttp.ClientSession
) -> None:
    async with plugin(server, session) as tts:
        sound, _ = await streamed(tts, LONG)
    expected = await speak(LONG, 24000)
    assert abs(sound.size - expected.size) < 24000 * 0.05
    assert np.array_equal(sound[: expected.size], expected[: sound.size])


async def test_whoever_listens_learns_what_is_spoken_before_it_sounds(
    server: CartesiaServer, session: aiohttp.ClientSession
) -> None:
    async with plugin(server, session) as tts:
        await streamed(tts, LONG)
    assert server.sentences is not None
    assert list(server.sentences) == [LONG[:44], LONG[45:]]


@pytest.mark.parametrize("rate", [8000, 24000, 44100])
async def test_a_text_is_synthesized_at_the_rate_asked_for(
    rate: int, server: CartesiaServer, session: aiohttp.ClientSession
) -> None:
    async with plugin(server, session, sample_rate=rate) as tts:
        async with asyncio.timeout(20):
            frame = await tts.synthesize("How can I help you?", conn_options=ONCE).collect()
    expected = await speak("How can I help you?", rate)
    assert frame.sample_rate == rate
    assert np.array_equal(np.frombuffer(frame.data, np.int16)[: expected.size], expected)


async def test_one_connection_serves_one_text_after_the_other(
    server: CartesiaServer, session: aiohttp.ClientSession
) -> None:
    async with plugin(server, session) as tts:
        tts.prewarm()
        await streamed(tts, "This is the first thing to say.")
        await streamed(tts, "This is the second thing to say.")
    assert server.spoken == ["This is the first thing to say.", "This is the second thing to say."]
    assert server.connections == 1


async def test_a_wrong_key_is_refused_as_cartesia_does(
    server: CartesiaServer, session: aiohttp.ClientSession
) -> None:
    async with plugin(server, session, key="wrong") as tts:
        with pytest.raises(APIStatusError) as refused:
            await streamed(tts, LONG)
        assert refused.value.status_code == 401
        with pytest.raises(APIStatusError) as refused:
            await tts.synthesize(LONG, conn_options=ONCE).collect()
        assert refused.value.status_code == 401


@pytest.mark.parametrize("status", [402, 500])
async def test_a_failure_has_the_status_that_was_asked_for(
    status: int, server: CartesiaServer, session: aiohttp.ClientSession
) -> None:
    server.fail_with = status
    async with plugin(server, session) as tts:
        with pytest.raises(APIStatusError) as failed:
            await tts.synthesize(LONG, conn_options=ONCE).collect()
    assert failed.value.status_code == status


async def test_a_server_that_hangs_runs_into_the_timeout(
    server: CartesiaServer, session: aiohttp.ClientSession
) -> None:
    server.hang = True
    impatient = APIConnectOptions(max_retry=0, timeout=0.3)
    async with plugin(server, session) as tts:
        with pytest.raises(APITimeoutError):
            await streamed(tts, LONG, options=impatient)


async def test_what_it_can_not_speak_is_an_error_of_its_context_alone(
    server: CartesiaServer, session: aiohttp.ClientSession
) -> None:
    async with plugin(server, session, encoding="pcm_mulaw") as tts:
        with pytest.raises(APIError, match="pcm_s16le"):
            await streamed(tts, LONG)


async def messages(socket: aiohttp.ClientWebSocketResponse, context: str) -> list[str]:
    """The kinds of message of a context, up to its last."""
    kinds: list[str] = []
    while not kinds or kinds[-1] not in ("done", "error"):
        message = await socket.receive_json(timeout=20)
        if message["context_id"] == context:
            kinds.append(message["type"])
    return kinds


def request(context: str, text: str, **more: object) -> dict[str, object]:
    form = {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 8000}
    return {"context_id": context, "transcript": text, "output_format": form, **more}


async def test_a_flush_is_answered_and_a_cancelled_context_falls_silent(
    server: CartesiaServer, session: aiohttp.ClientSession
) -> None:
    headers = {"X-API-Key": "any"}
    async with session.ws_connect(f"{server.url}/tts/websocket", headers=headers) as socket:
        await socket.send_json(request("one", "Hello there. ", **{"continue": True}))
        await socket.send_json(request("one", "", flush=True, **{"continue": True}))
        await socket.send_json({"context_id": "two", "cancel": True})
        await socket.send_json(request("one", "Goodbye.", **{"continue": False}))
        kinds = await messages(socket, "one")
        assert "flush_done" in kinds
        assert kinds[-1] == "done"
        await socket.send_json(request("two", "No.", **{"continue": False}))
        assert (await messages(socket, "two"))[-1] == "done"
    assert server.spoken == ["Hello there.", "Goodbye.", "No."]
