"""A session whose words are written down and not spoken."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

from livekit.agents import Agent, AgentSession, ConversationItemAddedEvent
from livekit.agents.llm import ChatMessage


class Said(list[str]):
    """What the host has said, in order."""

    def __init__(self) -> None:
        super().__init__()
        self._more = asyncio.Event()

    def add(self, words: str) -> None:
        """Take down what was said."""
        self.append(words)
        self._more.set()

    async def until(self, times: int, limit: float = 10.0) -> None:
        """Wait until something was said so many times."""
        async with asyncio.timeout(limit):
            while len(self) < times:
                self._more.clear()
                await self._more.wait()


@contextlib.asynccontextmanager
async def a_session_that_writes(said: Said) -> AsyncIterator[AgentSession[Any]]:
    """Have a session that says nothing aloud: what it would have said is in `said`."""
    async with AgentSession() as session:

        @session.on("conversation_item_added")
        def wrote(event: ConversationItemAddedEvent) -> None:
            if isinstance(event.item, ChatMessage):
                said.add(event.item.text_content or "")

        await session.start(Agent(instructions=""))
        yield session
