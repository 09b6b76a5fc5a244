"""Jobs as they reach the process of a call."""

from __future__ import annotations

import logging
import multiprocessing
import socket
from pathlib import Path
from unittest.mock import Mock

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from deployment import KEY, SECRET
from livekit import api
from livekit.agents.ipc.log_queue import LogQueueHandler
from livekit.agents.testing import fake_job_context
from livekit.agents.utils import http_context
from livekit.agents.utils.aio.duplex_unix import _Duplex

from host.runner.worker import Worker, give_access
from host.settings import Settings


async def test_a_job_has_livekits_api_without_its_environment(settings_of_a_call: Settings) -> None:
    shown: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        shown.append(request.headers["Authorization"].removeprefix("Bearer "))
        return web.Response(content_type="application/protobuf", body=b"")

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(application) as livekit, http_context.open():
        with fake_job_context() as job:
            there = settings_of_a_call.model_copy(
                update={"livekit_url": str(livekit.make_url("/")).rstrip("/")}
            )
            give_access(job, there)
            await job.api.room.list_rooms(api.ListRoomsRequest())
            job._tempdir.cleanup()  # private: LiveKit's helper leaves it behind
    (token,) = shown
    assert api.TokenVerifier(KEY, SECRET).verify(token).video


def loses_its_parent(log: socket.socket, settings: Settings) -> None:
    """What LiveKit's process of a call does, up to the moment at which its connection breaks."""
    logging.getLogger().addHandler(LogQueueHandler(_Duplex.open(log)))
    Worker(settings).warm(Mock())
    raise ConnectionResetError


@pytest.mark.processes
def test_a_process_ends_whose_parent_was_killed(
    settings_of_a_call: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        process = multiprocessing.get_context("spawn").Process(
            target=loses_its_parent, args=(theirs, settings_of_a_call), daemon=True
        )
        process.start()
        process.join(60)
        assert process.exitcode == 1
