"""Jobs as they reach the process of a call."""

from __future__ import annotations

import os

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from livekit import api
from livekit.agents.testing import fake_job_context
from livekit.agents.utils import http_context

from host.runner.worker import give_access
from host.settings import Settings

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
