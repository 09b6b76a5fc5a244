"""Somebody in a call's room with a token of LiveKit's own: they write, where a caller speaks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from livekit import api, rtc
from livekit.protocol.agent_pb.agent_session import AgentSessionMessage, SessionRequest

from host.dispatch.livekit import token_of
from host.testing import Scene

CHAT, SESSION = "lk.chat", "lk.agent.session"
"""The topics on which LiveKit's agents take text, and requests of a program that drives them."""


class Guest:
    """A participant of a room, who keeps what is sent on the session's topic."""

    def __init__(self, room: rtc.Room) -> None:
        self.room = room
        self.told: list[str] = []
        """What the session's topic brought, in order."""
        self.words: list[str] = []
        """What was said in the call, as its transcription tells everybody in the room."""
        self._reading: set[asyncio.Task[None]] = set()
        room.register_byte_stream_handler(SESSION, self._on_session)
        room.register_text_stream_handler("lk.transcription", self._on_words)

    async def write(self, text: str) -> None:
        """Write into the chat."""
        await self.room.local_participant.send_text(text, topic=CHAT)

    async def ask(self, request: SessionRequest) -> None:
        """Ask something of the session."""
        message = AgentSessionMessage(request=request).SerializeToString()
        writer = await self.room.local_participant.stream_bytes("request", topic=SESSION)
        await writer.write(message)
        await writer.aclose()

    async def until_said(self, text: str, limit: float = 15.0) -> None:
        """Wait until somebody has said this."""
        async with asyncio.timeout(limit):
            while text not in self.words:
                await asyncio.sleep(0.05)  # streams tell nobody but their readers

    def _on_session(self, reader: rtc.ByteStreamReader, sender: str) -> None:
        async def read() -> None:
            message = AgentSessionMessage()
            message.ParseFromString(b"".join([chunk async for chunk in reader]))
            self.told.append(str(message))

        self._keep(asyncio.create_task(read()))

    def _on_words(self, reader: rtc.TextStreamReader, sender: str) -> None:
        async def read() -> None:
            self.words.append((await reader.read_all()).strip())

        self._keep(asyncio.create_task(read()))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)


@asynccontextmanager
async def a_guest(
    scene: Scene, room: str, identity: str, *, dispatch: bool = False
) -> AsyncIterator[Guest]:
    """Join a room, whose agent this token dispatches or does not; leave it at the end."""
    grants = api.VideoGrants(room_join=True, room=room)
    token = token_of(scene.settings).with_identity(identity).with_grants(grants)
    if dispatch:
        agents = [api.RoomAgentDispatch(agent_name="host")]
        token = token.with_room_config(api.RoomConfiguration(agents=agents))
    joined = rtc.Room()
    guest = Guest(joined)
    await joined.connect(scene.settings.livekit_url, token.to_jwt())
    try:
        yield guest
    finally:
        await joined.disconnect()
