"""Sends queued messages, oldest first, and retries each until it is accepted."""

from __future__ import annotations

import asyncio
import logging
import random
from functools import partial

from .queue import Message, Queue
from .receiver import Answer, Receiver

log = logging.getLogger("host")

LOOK = 0.5
"""Seconds between scans of the folder. Other processes and hosts add messages at any time; listing
a mostly empty folder costs less than watching it."""
AT_ONCE = 8
"""Concurrent requests, so that a slow response does not delay other messages."""
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 900.0
"""Seconds before a retry; the pause doubles from the first to the longest."""
MANY = 1000
"""Waiting messages above which a warning is logged."""
PARTING = 3.0
"""Seconds to send the latest messages when the host stops. The rest waits for the next start."""


class Delivery:
    """Sends the messages of a queue to a receiver."""

    def __init__(self, queue: Queue, receiver: Receiver) -> None:
        self._queue, self._receiver = queue, receiver
        self._sending: dict[str, asyncio.Task[None]] = {}
        self._pausing: set[str] = set()
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._gone = asyncio.Event()
        self._failing = self._many = self._unreadable = False

    async def run(self) -> None:
        """Send until cancelled or until HTTP 410."""
        try:
            while not self._gone.is_set():
                await self._look()
                await asyncio.sleep(LOOK)
        except asyncio.CancelledError:
            await self._part()
            raise
        finally:
            left = list(self._sending.values())
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    async def _look(self) -> None:
        """Start to send new messages."""
        try:
            names = await asyncio.to_thread(self._queue.names)
            new = await asyncio.to_thread(self._queue.oldest_first, names - set(self._sending))
        except OSError as error:
            if not self._unreadable:
                log.error("webhook: %s can't be read: %s", self._queue.folder, error)
            self._unreadable = True
            return
        self._unreadable = False
        for message in new:
            name = message.path.name
            self._sending[name] = task = asyncio.create_task(self._send(message))
            task.add_done_callback(partial(self._done, name))
        if len(names) > MANY and not self._many:
            log.warning("webhook: %d call records wait for %s", len(names), self._receiver)
        self._many = len(names) > MANY

    def _done(self, name: str, task: asyncio.Task[None]) -> None:
        self._sending.pop(name, None)

    async def _send(self, message: Message) -> None:
        """Send one message until it is accepted, by this host or another."""
        tries = 0
        while not self._gone.is_set():
            try:
                async with self._at_once:
                    answer = await self._try(message)
            except FileNotFoundError:
                return
            except BlockingIOError:
                await asyncio.sleep(LOOK)
                continue
            if answer.accepted:
                return
            self._pausing.add(message.path.name)
            await asyncio.sleep(max(pause(tries), answer.wish))
            self._pausing.discard(message.path.name)
            tries += 1

    async def _try(self, message: Message) -> Answer:
        try:
            with message.claimed() as body:
                answer = await self._receiver.send(message.id, body)
                if answer.accepted:
                    message.accepted()
        except (FileNotFoundError, BlockingIOError):
            raise
        except OSError as error:
            answer = Answer(fault=str(error))
        self._log(answer)
        return answer

    def _log(self, answer: Answer) -> None:
        """Log the first failure of the receiver, and its recovery."""
        if answer.gone and not self._gone.is_set():
            self._gone.set()
            log.error(
                "webhook: %s wants no more call records (HTTP 410); they wait in %s, and are sent "
                "again after the next start",
                self._receiver,
                self._queue.folder,
            )
        elif not answer.accepted and not self._failing and not self._gone.is_set():
            log.warning(
                "webhook: %s did not take a call record: %s. It is sent again until it is taken",
                self._receiver,
                answer.fault,
            )
        elif answer.accepted and self._failing:
            log.info("webhook: %s takes call records again", self._receiver)
        self._failing = not answer.accepted

    async def _part(self) -> None:
        """Send the latest messages, unless their first attempt has failed already."""
        await self._look()
        fresh = [task for name, task in self._sending.items() if name not in self._pausing]
        if fresh and not self._gone.is_set():
            await asyncio.wait(fresh, timeout=PARTING)


def pause(tries: int) -> float:
    """Return the seconds before the next attempt: exponential, with jitter."""
    return min(FIRST_PAUSE * 2.0 ** min(tries, 20) * random.uniform(1.0, 1.5), LONGEST_PAUSE)
