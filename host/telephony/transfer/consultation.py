"""Asks a colleague to accept a call: summarises it and waits for a spoken answer or a key."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Any

from livekit import rtc
from livekit.agents import AgentSession, CloseEvent, UserInputTranscribedEvent

from host.call.live import LINGER, LiveCall
from host.call.speech import say_exactly
from host.settings import Words
from host.telephony.transfer.colleague import IDENTITY
from host.telephony.transfer.listening import listening, listening_session

TIMES = 2
"""How often the colleague is asked. A voicemail never says yes."""
PATIENCE = 7.0
"""Seconds to wait for an answer each time."""
MOST_WORDS = 8
"""Maximum words of a yes or no; a voicemail's greeting is longer."""


class Reply(StrEnum):
    """The colleague's answer, worded for the reason of a failed transfer."""

    ACCEPTED = "accepted"
    DECLINED = "declined"
    SILENT = "did not say yes"
    HUNG_UP = "hung up"
    BROKEN = "could not be asked because a provider failed"


KEYS = {"1": Reply.ACCEPTED, "2": Reply.DECLINED}


class Consultation:
    """A conversation with a colleague in a separate room."""

    def __init__(self, room: rtc.Room, session: AgentSession[Any], words: Words) -> None:
        self._session, self._words = session, words
        self._reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._asked, self._unclear = False, asyncio.Event()
        room.on("sip_dtmf_received", self._on_key)
        room.on("participant_disconnected", self._on_left)
        session.on("user_input_transcribed", self._on_words)
        session.on("close", self._on_close)

    async def ask(self, question: str, *, patience: float = 0.0) -> Reply:
        """Ask, and ask again after silence or an unclear answer; return the reply.

        Ask TIMES times, and go on for `patience` seconds: an extension may still be ringing.
        """
        until = asyncio.get_running_loop().time() + patience
        times = itertools.count()
        while next(times) < TIMES or asyncio.get_running_loop().time() < until:
            await self._say(question)
            self._asked = True
            self._unclear.clear()
            unclear = asyncio.create_task(self._unclear.wait())
            either: list[asyncio.Future[Any]] = [self._reply, unclear]
            await asyncio.wait(either, timeout=PATIENCE, return_when=_FIRST)
            unclear.cancel()
            if self._reply.done():
                return self._reply.result()
        return Reply.SILENT

    async def say_last(self, words: str) -> None:
        """Speak words that need no reply. Returns after playout."""
        self._reply = asyncio.get_running_loop().create_future()
        await self._say(words)
        await asyncio.sleep(LINGER)

    async def _say(self, words: str) -> None:
        """Speak; a key or a hang-up interrupts it."""
        try:
            speech = say_exactly(self._session, words, interruptible=False)
        except RuntimeError:  # the session has closed
            self._settle(Reply.BROKEN)
            return
        spoken = asyncio.ensure_future(speech.wait_for_playout())
        either: set[asyncio.Future[Any]] = {spoken, self._reply}
        try:
            await asyncio.wait(either, return_when=_FIRST)
            if not spoken.done():
                speech.interrupt(force=True)
        finally:
            spoken.cancel()

    def _settle(self, reply: Reply) -> None:
        if not self._reply.done():
            self._reply.set_result(reply)

    def _on_key(self, key: rtc.SipDTMF) -> None:
        pressed_by = key.participant.identity if key.participant else None
        if pressed_by == IDENTITY and key.digit in KEYS:
            self._settle(KEYS[key.digit])

    def _on_words(self, event: UserInputTranscribedEvent) -> None:
        # People answer the telephone with "yes?", so words before the question do not count.
        if event.is_final and self._asked and event.transcript.strip():
            reply = understood(event.transcript, self._words)
            if reply is None:
                self._unclear.set()
            else:
                self._settle(reply)

    def _on_left(self, participant: rtc.RemoteParticipant) -> None:
        if participant.identity == IDENTITY:
            self._settle(Reply.HUNG_UP)

    def _on_close(self, event: CloseEvent) -> None:
        self._settle(Reply.BROKEN)


@contextlib.asynccontextmanager
async def consultation(call: LiveCall, room: rtc.Room) -> AsyncIterator[Consultation]:
    """Start a session with the persona's STT and TTS in the room, before the colleague joins."""
    session = listening_session(call)
    talk = Consultation(room, session, call.persona_settings.words)
    async with listening(session, room):
        yield talk


def understood(said: str, words: Words) -> Reply | None:
    """Return the yes or no in what was said; None if it has neither, or both."""
    meanings = {phrase: Reply.ACCEPTED for phrase in words.consult_yes}
    meanings |= {phrase: Reply.DECLINED for phrase in words.consult_no}
    spoken = _plain(said)
    if len(spoken.split()) > MOST_WORDS:
        return None
    phrases = {_plain(phrase): meaning for phrase, meaning in meanings.items()}
    longest_first = sorted(filter(None, phrases), key=len, reverse=True)
    if not longest_first:
        return None
    pattern = rf"\b(?:{'|'.join(map(re.escape, longest_first))})\b"
    found = {phrases[each] for each in re.findall(pattern, spoken)}
    return found.pop() if len(found) == 1 else None


def _plain(text: str) -> str:
    """Return the words alone, in lower case."""
    return " ".join(re.findall(r"[^\W_]+(?:'[^\W_]+)*", text.lower().replace("\u2019", "'")))


_FIRST = asyncio.FIRST_COMPLETED
