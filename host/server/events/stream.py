"""The latest events of all calls, and who follows them."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import deque
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from itertools import takewhile

from host.base.clock import now
from host.runner.event_line import MISSED

MOST = 2000
"""Maximum number of events that are kept."""
LARGEST = 8 * 1024 * 1024
"""Maximum size of all events that are kept, in characters."""
DISCARDED = "call.recording_discarded"
"""Type of the event after which what was said in a call is kept no longer."""
_SAID = ("call.transcript", "call.tool_started", "call.tool_ended")


@dataclass(slots=True, eq=False)
class Event:
    """One event."""

    id: str
    """For `Last-Event-ID`."""
    number: int
    """Its place in this run of the host."""
    type: str
    call: str
    """LiveKit's job ID of the call; empty if it is of none."""
    text: str
    """One line of JSON: `type`, `timestamp` and `data`, as in a webhook."""
    withdrawn: bool = False


IDLE = Event("", 0, "", "", "")
"""Stands for no event."""


class EventStream:
    """A bounded log of events. A follower has no queue of its own: it reads from the log."""

    def __init__(self) -> None:
        self._run = secrets.token_hex(4)
        self._events = deque[Event]()
        self._size = self._number = 0
        self._forgotten = 0
        """Number of the newest event that had to make room."""
        self._news, self._closed = asyncio.Event(), False
        self.followers = 0

    def publish(self, type: str, call: str, text: str) -> None:
        """Add an event; the oldest ones make room for it."""
        if type == DISCARDED:
            self._withdraw(call)
        self._number += 1
        self._events.append(Event(self._id(self._number), self._number, type, call, text))
        self._size += len(text)
        while len(self._events) > MOST or self._size > LARGEST:
            oldest = self._events.popleft()
            self._size -= len(oldest.text)
            self._forgotten = oldest.number
        self._wake()

    def close(self) -> None:
        """End all followers, once they have read what there is."""
        self._closed = True
        self._wake()

    async def follow(
        self, after: str | None = None, call: str | None = None, *, idle: float | None = None
    ) -> AsyncGenerator[Event, None]:
        """Yield further events, of one call if its ID is given.

        A follower that is too slow comes to an end; if it comes back, it learns what it has missed.

        `after` is the ID of the last event that the follower has seen. If later ones are lost, or
        it is of another run of the host, `events.missed` comes first, then all that is kept. IDLE
        comes after each `idle` seconds without an event. Close the generator after use.
        """
        self.followers += 1
        try:
            seen = self._number if after is None else self._place_of(after)
            if seen is None or seen < self._forgotten:
                seen = self._forgotten
                yield self._missed()
            while seen >= self._forgotten:  # otherwise it is too slow
                news = self._news
                for event in self._after(seen):
                    if event.number <= self._forgotten:
                        return
                    seen = event.number
                    if not event.withdrawn and call in (None, event.call):
                        yield event
                if self._closed:
                    return
                try:
                    await asyncio.wait_for(news.wait(), idle)
                except TimeoutError:
                    yield IDLE
        finally:
            self.followers -= 1

    def _after(self, seen: int) -> list[Event]:
        """Return the events after the one with this number, oldest first."""
        newer = takewhile(lambda event: event.number > seen, reversed(self._events))
        return list(newer)[::-1]

    def _place_of(self, id: str) -> int | None:
        """Return the number of an event; None if it is not of this run of the host."""
        run, _, number = id.partition("-")
        if run != self._run or not (number.isascii() and number.isdecimal()):
            return None
        return min(int(number[:20]), self._number)

    def _missed(self) -> Event:
        event = {"type": MISSED, "timestamp": now().isoformat(), "data": {}}
        return Event(self._id(self._forgotten), self._forgotten, MISSED, "", json.dumps(event))

    def _withdraw(self, call: str) -> None:
        """Forget what was said in a call."""
        kept = deque[Event]()
        for event in self._events:
            event.withdrawn = event.call == call and event.type in _SAID
            if event.withdrawn:
                self._size -= len(event.text)
            else:
                kept.append(event)
        self._events = kept

    def _id(self, number: int) -> str:
        return f"{self._run}-{number}"

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()
