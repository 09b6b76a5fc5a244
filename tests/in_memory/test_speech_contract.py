"""What speech in memory promises: a session sees of it what it sees of the real plugins.

A scene is played with LiveKit's Deepgram, OpenAI and Cartesia plugins on the servers of
`host.local`, and with those of `speech.py`, in each trouble. What was said, and how it failed (an
error's type and HTTP status), must be the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from typing import Any, Protocol, TypeAlias

import aiohttp
import numpy as np
import pytest
from livekit import rtc
from livekit.agents import APIConnectOptions, APIError, llm, stt, tts
from livekit.plugins import cartesia, deepgram, openai

from host.local.cartesia import CartesiaServer
from host.local.deepgram import DeepgramServer
from host.local.llm import LlmServer
from host.local.rules import Rule
from host.local.speech import Sentences, speak
from host.local.speech.audio import silence
from host.local.speech.recogniser import recogniser
from host.local.trouble import Trouble

from . import sound
from .clock import VirtualClockLoop, virtual_time
from .speech import Listener, Llm, Speaker, Stt, Thinker, Tts

pytestmark = [pytest.mark.processes, pytest.mark.xdist_group("speech-contract")]

IMPATIENT = APIConnectOptions(max_retry=0, timeout=1.0)
QUESTION, ANOTHER = "What are your opening hours?", "Put me through to billing, please."
ANSWER = "We are open from nine to five on every day of the week."
RULES = (
    Rule(hears="billing", calls=("transfer", {"to": "billing"})),
    Rule(hears="hours", says=ANSWER),
)
RATE = 16000
"""Samples a second that are heard."""
FRAME = RATE // 50
"""Samples in a frame: 20 ms."""
LIMIT = 60.0
"""Seconds in which all scenes are played."""
WELL = "well"
"""The model that is in no trouble; the others are named after theirs."""
DOWN = "down"
"""The model that is asked when its provider refuses every request."""

Seen: TypeAlias = tuple[Any, ...]


class Providers(Protocol):
    """What is compared: an STT, an LLM and a TTS of any model, and a voice to speak to the STT."""

    def stt(self, model: str) -> stt.STT[Any]: ...
    def llm(self, model: str) -> llm.LLM[Any]: ...
    def tts(self, model: str) -> tts.TTS[Any]: ...
    def fail_with(self, status: int) -> None: ...
    async def spoken(self, text: str) -> sound.Samples: ...


class Real:
    """LiveKit's plugins, and the servers of this machine."""

    def __init__(
        self,
        hears: DeepgramServer,
        thinks: LlmServer,
        speaks: CartesiaServer,
        http: aiohttp.ClientSession,
    ) -> None:
        self._hears, self._thinks, self._speaks, self._http = hears, thinks, speaks, http
        for trouble in Trouble:
            for provider in (hears, thinks, speaks):
                provider.troubles.set(trouble, trouble)

    def stt(self, model: str) -> stt.STT[Any]:
        url = f"{self._hears.url}/v1/listen"
        return deepgram.STT(model=model, base_url=url, api_key="any", http_session=self._http)

    def llm(self, model: str) -> llm.LLM[Any]:
        return openai.LLM(model=model, base_url=f"{self._thinks.url}/v1", api_key="any")

    def tts(self, model: str) -> tts.TTS[Any]:
        return cartesia.TTS(
            model=model, base_url=self._speaks.url, api_key="any", http_session=self._http
        )

    def fail_with(self, status: int) -> None:
        for provider in (self._hears, self._thinks, self._speaks):
            provider.fail_with = status

    async def spoken(self, text: str) -> sound.Samples:
        return await speak(text, RATE)


class InMemory:
    """The tests' own."""

    def __init__(self) -> None:
        self._hears, self._thinks, self._speaks = Listener(), Thinker(RULES), Speaker()
        for trouble in Trouble:
            for provider in (self._hears, self._thinks, self._speaks):
                provider.troubles.set(trouble, trouble)

    def stt(self, model: str) -> stt.STT[Any]:
        return Stt(self._hears, model)

    def llm(self, model: str) -> llm.LLM[Any]:
        return Llm(self._thinks, model)

    def tts(self, model: str) -> tts.TTS[Any]:
        return tts.StreamAdapter(tts=Tts(self._speaks, model))  # as LiveKit's session does

    def fail_with(self, status: int) -> None:
        for provider in (self._hears, self._thinks, self._speaks):
            provider.fail_with = status

    async def spoken(self, text: str) -> sound.Samples:
        return sound.speak(text, RATE)


def _failure(error: APIError) -> Seen:
    return type(error).__name__, getattr(error, "status_code", None), error.retryable


@llm.function_tool
async def transfer(to: str) -> None:
    """Put the caller through."""


async def think(providers: Providers, model: str) -> list[Seen]:
    """Ask an LLM twice: what it says and calls, and how it fails."""
    seen = list[Seen]()
    mind = providers.llm(model)
    for asked in (QUESTION, ANOTHER):
        turns = llm.ChatContext.empty()
        turns.add_message(role="user", content=asked)
        said = ""
        try:
            async with mind.chat(
                chat_ctx=turns, tools=[transfer], conn_options=IMPATIENT
            ) as stream:
                async for chunk in stream:
                    delta = chunk.delta
                    said += (delta.content or "") if delta else ""
                    for call in delta.tool_calls if delta else ():
                        seen.append(("calls", call.name, call.arguments))
                    if chunk.usage:
                        seen.append(("used", chunk.usage.completion_tokens > 0))
        except APIError as error:
            seen.append(_failure(error))
        seen.append(("said", said))
    await mind.aclose()
    return seen


async def hear(providers: Providers, model: str) -> list[Seen]:
    """Speak two sentences to an STT: what it understands, and how it fails."""
    seen = list[Seen]()
    ears = providers.stt(model)
    stream = ears.stream(conn_options=IMPATIENT)

    async def speaks() -> None:
        for text in (QUESTION, ANOTHER):
            words = await providers.spoken(text)
            samples = np.concatenate([silence(0.3, RATE), words, silence(1.5, RATE)])
            for at in range(0, samples.size - FRAME, FRAME):
                frame = samples[at : at + FRAME]
                stream.push_frame(rtc.AudioFrame(frame.tobytes(), RATE, 1, FRAME))
                await asyncio.sleep(FRAME / RATE)
        stream.end_input()

    speaking = asyncio.create_task(speaks())
    try:
        async for event in stream:
            match event.type:
                case stt.SpeechEventType.FINAL_TRANSCRIPT:
                    seen.append(("understood", event.alternatives[0].text))
                case stt.SpeechEventType.START_OF_SPEECH | stt.SpeechEventType.END_OF_SPEECH:
                    seen.append((event.type.name,))
    except APIError as error:
        seen.append(_failure(error))
    speaking.cancel()
    await stream.aclose()
    return seen


async def say(providers: Providers, model: str) -> list[Seen]:
    """Let a TTS speak: how much of it is heard, and how it fails."""
    voice = providers.tts(model)
    whole = (await providers.spoken(ANSWER)).size / RATE
    heard, seen = 0.0, list[Seen]()
    try:
        async with voice.stream(conn_options=IMPATIENT) as stream:
            stream.push_text(ANSWER)
            stream.end_input()
            async for audio in stream:
                heard += audio.frame.duration
    except APIError as error:
        seen.append(_failure(error))
    await voice.aclose()
    much = "all" if heard > 0.9 * whole else "a beginning" if heard else "nothing"
    return [("heard", much), *seen]


SCENES = [(play, model) for model in (WELL, *Trouble, DOWN) for play in (think, hear, say)]


async def _play(providers: Providers) -> list[list[Seen] | BaseException]:
    """All at the same time, since most of a scene is waiting; then with servers that are down."""
    async with asyncio.timeout(LIMIT):
        plays = [partial(play, providers, model) for play, model in SCENES]
        up = await asyncio.gather(*(play() for play in plays[:-3]), return_exceptions=True)
        providers.fail_with(503)
        down = await asyncio.gather(*(play() for play in plays[-3:]), return_exceptions=True)
        return [*up, *down]


async def _play_really() -> list[list[Seen] | BaseException]:
    async with (
        DeepgramServer(Sentences([QUESTION, ANOTHER])) as hears,
        LlmServer(RULES) as thinks,
        CartesiaServer(Sentences()) as speaks,
        aiohttp.ClientSession() as http,
    ):
        return await _play(Real(hears, thinks, speaks, http))


async def _play_in_memory() -> list[list[Seen] | BaseException]:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualClockLoop)
    with virtual_time(loop):
        return await _play(InMemory())


@pytest.fixture(scope="module")
def both() -> Iterator[list[tuple[Any, Any]]]:
    """What each scene brings: in memory, and with the real plugins."""
    with asyncio.Runner(loop_factory=VirtualClockLoop) as runner:
        fake = runner.run(_play_in_memory())
    with asyncio.Runner() as runner:
        real = runner.run(_play_really())
    yield list(zip(fake, real, strict=True))
    recogniser.close()


@pytest.mark.parametrize("scene", range(len(SCENES)), ids=[f"{s.__name__}-{m}" for s, m in SCENES])
def test_speech_in_memory_fails_as_the_real_plugins_do(
    scene: int, both: list[tuple[Any, Any]]
) -> None:
    fake, real = both[scene]
    if isinstance(real, BaseException):
        raise real
    assert fake == real
