"""Who is on the telephone: callers whom a fault strikes, and others who only listen."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from math import inf
from typing import Any

from faults import words
from faults.ground import Ground
from faults.measure import first_sound, longest_silence
from faults.tries import Other, Try, Verdict
from host.local.phone import HungUp, Line, PhoneCall

READY = 40.0
"""Seconds within which a caller must have been greeted."""
WINDOW = 8.0
"""Seconds before a fault, and after it, in which the other calls are listened to."""
ANSWER = 8.0
"""Seconds within which an agent that is still there must answer a question."""
LAG = 1.5
"""Seconds by which the recording of a telephone may be behind."""


class NotReady(Exception):
    """A call did not come about: the round is void."""


class Caller:
    """Somebody on the telephone with the reader."""

    def __init__(self, does: str) -> None:
        self._does = does
        self._greeted = asyncio.Event()
        self._line: Line | None = None
        self.call: PhoneCall
        self.struck = 0.0
        """When the fault struck, in Unix time."""

    async def ring(self, ground: Ground) -> None:
        """Begin the call."""
        self.call = await ground.ring(self._does, self._listen)

    async def _listen(self, line: Line) -> None:
        self._line = line
        await line.sound(READY)
        if self._does != "hum":
            await line.silence_for(0.8)
        self._greeted.set()
        await line.stay(7200)

    async def ready(self) -> None:
        """Wait until the greeting is over. Raises NotReady."""
        greeted = asyncio.ensure_future(self._greeted.wait())
        either: set[asyncio.Future[Any]] = {greeted, asyncio.shield(self.call.over)}
        try:
            await asyncio.wait(either, timeout=READY, return_when=asyncio.FIRST_COMPLETED)
            if not self._greeted.is_set():
                raise NotReady(f"{self.call!r} was not greeted")
        finally:
            greeted.cancel()

    @property
    def over(self) -> bool:
        """Whether the call has ended."""
        return self.call.over.done()

    @property
    def line(self) -> Line:
        """The telephone in hand."""
        if self._line is None:
            raise NotReady(f"{self.call!r} was not answered")
        return self._line

    def second(self, unix: float) -> float:
        """Give a moment in seconds of the call's recording."""
        return unix - (self.call.answered_at or unix)

    async def say(self, text: str) -> float:
        """Say something, and give the Unix time of the last word's end."""
        await self.line.say(text)
        return time.time()

    def spoken_to(self, since: float) -> bool:
        """Whether something was heard since a Unix time."""
        return self.call.media.heard_something_at > self.second(since) + 0.1

    def quiet_for(self) -> float:
        """The seconds since the last sound, as far as the recording has come."""
        return self.call.media.settled / 8000 - self.call.media.heard_something_at

    async def is_answered(self) -> bool:
        """Ask whether anybody is there, and tell whether somebody says something."""
        try:
            asked = await self.say(words.ARE_YOU_THERE)
            end = time.monotonic() + ANSWER
            while not self.spoken_to(asked + 0.1) and time.monotonic() < end:
                await self.line.wait(0.1)
        except HungUp:
            return False
        return self.spoken_to(asked + 0.1)


class Victim(Caller):
    """Somebody whose call a fault strikes."""

    goes_on = False
    """Whether somebody answered after the fault."""
    stopped: float | None = None
    """When the try was over with the call still up, in Unix time."""
    asked: float | None = None
    """When a question was answered that the caller asked though nobody had said a word."""
    rescued: float | None = None
    """The second at which the words ended that the caller asked back after, and was answered."""

    async def watch(self, limit: float, *, asks: bool, asks_after: float = inf) -> None:
        """See what becomes of the call, for at most `limit` seconds.

        With `asks` the caller asks back once somebody has spoken, and after `asks_after` seconds in
        any case; otherwise only at the end.
        """
        end, ask_at = self.struck + limit, self.struck + asks_after
        since = self.struck
        while not self.over and not self.goes_on and time.time() < end:
            answered_to = asks and self.spoken_to(since) and self.quiet_for() > 1.0
            if answered_to or time.time() > ask_at:
                await self._ask_back()
                since, ask_at = time.time(), inf
            await asyncio.wait([asyncio.shield(self.call.over)], timeout=0.1)
        if not self.over and not self.goes_on and self.call.answered_at:
            await self._ask_back()
        self.stopped = time.time()

    async def _ask_back(self) -> None:
        """Ask whether anybody is there; the silence counts up to what was said before that."""
        asked, spoken = time.time(), self.spoken_to(self.struck)
        said_until = self.call.media.heard_something_at
        self.goes_on = await self.is_answered()
        if self.goes_on and spoken:
            self.rescued = said_until
        elif self.goes_on:
            self.asked = asked

    async def ask_for_it(self, ground: Ground) -> None:
        """Ask the reader to do it, until it does. Raises NotReady."""
        for _ in range(3):
            with contextlib.suppress(TimeoutError, HungUp):
                await self.say(words.DO_IT)
                self.struck = await ground.struck(self.call)
                return
        raise NotReady(f"{self.call!r} was asked three times and did nothing")

    def tell(self, ground: Ground, fault: str, seed: str) -> Try:
        """Tell what the call came to."""
        call = self.call
        word = silence = None
        if call.answered_at:
            heard = call.media.recording.stereo()[:, 1]
            begin = max(self.second(self.asked or self.struck), 0.0)
            end = self.rescued or self.second(call.ended_at or self.stopped or time.time())
            silence = longest_silence(heard, begin, end)
            if self.asked is None:
                # Sound that is already on its way when the fault strikes is no answer to it.
                sound = first_sound(heard, begin + 0.1, end)
                word = None if sound is None else round(sound - self.second(self.struck), 2)
        by_us = self.goes_on or call.ended_by != "far end"
        hang_up = None if by_us or call.ended_at is None else round(call.ended_at - self.struck, 2)
        verdict = self._verdict(word)
        note = ""
        if verdict is Verdict.LEFT:
            note = "left by a process that lived" if ground.lives(call) else "left by no process"
        return Try(ground.arm, fault, seed, verdict, hang_up, word, silence, note=note)

    def _verdict(self, word: float | None) -> Verdict:
        if self.goes_on:
            return Verdict.WENT_ON
        if not self.over or self.call.ended_by != "far end":
            return Verdict.LEFT
        if not self.call.answered_at:
            return Verdict.BUSY
        return Verdict.HUNG_UP if word is None else Verdict.TOLD


@dataclass
class Bystanders:
    """Callers with an unbroken sound on the line, who live through many rounds."""

    ground: Ground
    callers: list[Caller]

    async def be(self, wanted: int) -> None:
        """Let there be so many, all of them well. Raises NotReady."""
        self.callers = [caller for caller in self.callers if not caller.over]
        new = [Caller("hum") for _ in range(wanted - len(self.callers))]
        for caller in new:
            await caller.ring(self.ground)
        self.callers += new
        await asyncio.gather(*(caller.ready() for caller in new))
        if new:
            # The greeting, the pause until the sound begins, and a first window of it.
            await asyncio.sleep(5.0 + WINDOW / 2)

    def heard(self, struck: float) -> tuple[Other, ...]:
        """Tell what they heard, in the window before a Unix time and the one after it."""
        found = []
        for caller in self.callers:
            heard = caller.call.media.recording.stereo()[:, 1]
            at = caller.second(struck)
            before = longest_silence(heard, at - WINDOW, at)
            after = longest_silence(heard, at, at + WINDOW)
            found.append(Other(before, after, caller.over))
        return tuple(found)

    @property
    def calls(self) -> list[PhoneCall]:
        """Their calls."""
        return [caller.call for caller in self.callers]
