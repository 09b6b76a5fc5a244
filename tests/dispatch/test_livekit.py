"""Access to LiveKit with the keys of the settings, none of them in the environment."""

from __future__ import annotations

import os
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from livekit import api
from livekit.agents import inference
from livekit.agents.testing import fake_job_context
from livekit.agents.utils import http_context

from host.dispatch.livekit import give_access, inference_model
from host.settings import Settings

Model = inference.LLM | inference.RealtimeModel | inference.STT | inference.TTS

KEY, SECRET = "devkey", "a-secret-that-is-long-enough-for-a-key"


@pytest.fixture
def settings(clean_environment: None) -> Settings:
    """The settings of a host, and an environment like that of its calls."""
    assert not [name for name in os.environ if name.startswith("LIVEKIT_")]
    return Settings(livekit_url="ws://127.0.0.1:9", livekit_api_key=KEY, livekit_api_secret=SECRET)


async def test_a_job_has_livekits_api_without_its_environment(settings: Settings) -> None:
    shown: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        shown.append(request.headers["Authorization"].removeprefix("Bearer "))
        return web.Response(content_type="application/protobuf", body=b"")

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(application) as livekit, http_context.open():
        with fake_job_context() as job:
            there = settings.model_copy(
                update={"livekit_url": str(livekit.make_url("/")).rstrip("/")}
            )
            give_access(job, there)
            await job.api.room.list_rooms(api.ListRoomsRequest())
            job._tempdir.cleanup()  # private: LiveKit's helper leaves it behind
    (token,) = shown
    assert api.TokenVerifier(KEY, SECRET).verify(token).video


@pytest.mark.parametrize(
    ("kind", "named", "made"),
    [
        ("llm", ("openai", "gpt-4.1-mini", ""), inference.LLM),
        ("llm", ("openai", "gpt-realtime", ""), inference.RealtimeModel),
        ("stt", ("deepgram", "nova-3", ""), inference.STT),
        ("tts", ("cartesia", "sonic-3", "a-voice"), inference.TTS),
        ("tts", ("cartesia", "sonic-3", ""), inference.TTS),
    ],
)
async def test_a_model_of_livekit_inference_is_made_with_the_settings_keys(
    settings: Settings, kind: Any, named: tuple[str, str, str], made: type[Model]
) -> None:
    async with http_context.open():
        model: Any = inference_model(settings, kind, *named, language="de")
        options = model._opts
        assert isinstance(model, made)
        assert model.model == f"{named[0]}/{named[1]}"
        if kind != "llm":
            assert options.language == "de"
        if named[2]:
            assert options.voice == named[2]
