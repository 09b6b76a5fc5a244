"""What LiveKit tells of itself: its rooms, its clock, and what a worker learns that registers."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from importlib import metadata
from urllib.parse import urlsplit

import aiohttp
from livekit import api
from livekit.protocol import agent

from host.dispatch.livekit import livekit_of, token_of
from host.settings import Settings

LIMIT = 8.0
"""Seconds that LiveKit may take for an answer."""


@dataclass(frozen=True)
class Registered:
    """What LiveKit tells a worker that registers."""

    version: str
    cloud: bool


async def ask_for_rooms(settings: Settings) -> None:
    """Ask for a room that there is not. Raises what livekit-api raises."""
    async with livekit_of(settings) as livekit:  # its own limit is 10 s
        await livekit.room.list_rooms(api.ListRoomsRequest(names=["host-doctor"]))


async def register(settings: Settings) -> Registered:
    """Register a worker for a moment, with an agent name that no dispatch has.

    Raises what aiohttp raises, and TimeoutError.
    """
    hello = agent.WorkerMessage()
    hello.register.type = agent.JobType.JT_ROOM
    hello.register.agent_name = f"host-doctor-{secrets.token_hex(6)}"
    hello.register.version = metadata.version("livekit-agents")
    token = token_of(settings).with_grants(api.VideoGrants(agent=True)).to_jwt()
    limit = aiohttp.ClientTimeout(total=LIMIT)
    async with aiohttp.ClientSession(timeout=limit) as http:
        headers = {"Authorization": f"Bearer {token}"}
        async with http.ws_connect(f"{address(settings)}/agent", headers=headers) as socket:
            await socket.send_bytes(hello.SerializeToString())
            told = agent.ServerMessage.FromString(await socket.receive_bytes(timeout=LIMIT))
    info = told.register.server_info
    return Registered(info.version, info.edition == info.Cloud)


async def clock(settings: Settings) -> float | None:
    """Return the time of LiveKit's clock, to a second, since 1970; None if it tells none.

    Raises what aiohttp raises, and TimeoutError.
    """
    limit = aiohttp.ClientTimeout(total=LIMIT)
    async with (
        aiohttp.ClientSession(timeout=limit) as http,
        http.get(address(settings)) as answer,
    ):
        date = answer.headers.get("Date")
    try:
        return parsedate_to_datetime(date).timestamp() if date else None
    except ValueError:
        return None


def address(settings: Settings) -> str:
    """Return LiveKit's address for HTTP."""
    parts = urlsplit(settings.livekit_url)
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    return f"{scheme}://{parts.netloc}{parts.path}".rstrip("/")
