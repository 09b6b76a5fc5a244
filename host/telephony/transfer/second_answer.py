"""Judges what answers when a colleague who has accepted is called into the caller's room.

The colleague said yes on the first call, but their voicemail may take the second one. The caller
and whoever answers hear each other at once; the host listens meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from livekit import rtc

from host.call.live import LiveCall
from host.call.state import AnsweredBy
from host.telephony.transfer.colleague import IDENTITY
from host.telephony.transfer.listening import listening, listening_session
from host.telephony.voicemail.opening import Opening
from host.telephony.voicemail.phrases import read
from host.telephony.voicemail.weighing import Evidence, weigh

LIMIT = 15.0
"""Seconds after the answer in which a machine is recognised."""
QUIET = 3.0
"""Seconds of silence after the first words that only a person leaves: a machine's greeting goes on,
or its beep follows."""


@dataclass(frozen=True)
class _Colleague:
    room: rtc.Room
    identity: str | None = IDENTITY


class SecondAnswer:
    """Listens to a colleague in the caller's room."""

    def __init__(self, opening: Opening, room: rtc.Room) -> None:
        self._opening, self._room = opening, room
        room.on("participant_disconnected", opening.stir)

    @property
    def spoke(self) -> bool:
        """True once the colleague has spoken, understood or not."""
        return self._opening.spoke

    async def judge(self, patience: float = 0.0) -> AnsweredBy:
        """Return what answered just now, after LIMIT at the latest.

        `patience`: seconds in addition, because an extension may still be ringing. UNCERTAIN if
        nothing was understood, also if the colleague hung up before that.
        """
        opening, mark = self._opening, self._opening.mark()
        until = _now() + LIMIT + patience
        while True:
            heard = opening.answer(mark, over=False)
            verdict = weigh(Evidence(heard.words, None, heard.beep, heard.longest))
            if verdict and verdict.mailbox:
                return verdict.category
            left = until - _now()
            waits = read(heard.words).holds and patience
            if heard.words and not (waits or opening.speaking or opening.words_due):
                left = min(left, QUIET - opening.quiet)
            if left <= 0 or IDENTITY not in self._room.remote_participants:
                if verdict:
                    return verdict.category
                return AnsweredBy.HUMAN if heard.words else AnsweredBy.UNCERTAIN
            await opening.stirs(left)

    def close(self) -> None:
        """Stop listening."""
        self._room.off("participant_disconnected", self._opening.stir)


@contextlib.asynccontextmanager
async def second_answer(call: LiveCall, room: rtc.Room) -> AsyncIterator[SecondAnswer]:
    """Listen to a colleague from before the dial, because a machine speaks at once."""
    session = listening_session(call)
    answer = SecondAnswer(Opening(call, _Colleague(room), session), room)
    try:
        async with listening(session, room, speaks=False):
            yield answer
    finally:
        answer.close()


def _now() -> float:
    return asyncio.get_running_loop().time()
