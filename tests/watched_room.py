"""A room of LiveKit's whose watchers are told something."""

from __future__ import annotations

import asyncio


class WatchedRoom:
    """LiveKit's room at the edge, which leaves the first updates without a word."""

    def __init__(self, unanswered: int, connected: bool = True) -> None:
        self.told: list[dict[str, str]] = []
        self._unanswered, self._connected = unanswered, connected
        self.local_participant = self

    def isconnected(self) -> bool:
        return self._connected

    async def set_attributes(self, told: dict[str, str]) -> None:
        self.told.append(told)
        if len(self.told) <= self._unanswered:
            await asyncio.Future()
