"""Providers in trouble: LiveKit's own plugins, unchanged, against the servers of this machine."""

from __future__ import annotations

import aiohttp
import pytest
from livekit.agents import APIConnectOptions, APIError, llm
from livekit.plugins import cartesia, openai

from host.local.cartesia import CartesiaServer
from host.local.llm import LlmServer
from host.local.rules import Rule
from host.local.speech import Sentences
from host.local.trouble import Trouble, Troubles

IMPATIENT = APIConnectOptions(max_retry=0, timeout=0.5)
ANSWER = "This is a long answer of many words."


def test_a_model_is_in_trouble_as_often_as_it_is_told() -> None:
    troubles = Troubles()
    troubles.set("one", Trouble.HANG, times=2)
    troubles.set("other", Trouble.BUSY)
    assert [troubles.meet("one") for _ in range(3)] == [Trouble.HANG, Trouble.HANG, None]
    assert troubles.meet("other") is Trouble.BUSY
    troubles.mend("other")
    assert troubles.meet("other") is None
    assert troubles.meet("nobody") is None


@pytest.mark.parametrize("trouble", Trouble)
async def test_a_model_in_trouble_gives_no_whole_answer_and_another_does(trouble: Trouble) -> None:
    async with LlmServer([Rule(says=ANSWER)]) as server:
        server.troubles.set("bad", trouble)
        turns = llm.ChatContext.empty()
        turns.add_message(role="user", content="Well?")
        for name in ("good", "bad"):
            model = openai.LLM(model=name, base_url=f"{server.url}/v1", api_key="any")
            said = ""
            try:
                async with model.chat(chat_ctx=turns, conn_options=IMPATIENT) as stream:
                    async for chunk in stream:
                        said += (chunk.delta.content or "") if chunk.delta else ""
                assert (name, said) == ("good", ANSWER)
            except APIError:
                assert name == "bad"
                assert said != ANSWER
                begins = trouble in (Trouble.STALL, Trouble.CLOSE, Trouble.GARBAGE)
                assert bool(said) is begins
            await model.aclose()


@pytest.mark.parametrize("trouble", Trouble)
async def test_a_voice_in_trouble_gives_no_whole_sound_and_another_does(trouble: Trouble) -> None:
    async with CartesiaServer(Sentences()) as server, aiohttp.ClientSession() as session:
        server.troubles.set("bad", trouble)
        for name in ("good", "bad"):
            voice = cartesia.TTS(
                model=name, base_url=server.url, api_key="any", http_session=session
            )
            seconds = 0.0
            try:
                async with voice.stream(conn_options=IMPATIENT) as stream:
                    stream.push_text(ANSWER)
                    stream.end_input()
                    async for audio in stream:
                        seconds += audio.frame.duration
                assert name == "good"
                assert seconds > 1.5
            except APIError:
                assert name == "bad"
                assert seconds < 1.5
            await voice.aclose()
