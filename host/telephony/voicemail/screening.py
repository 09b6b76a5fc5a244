"""Tells a call screener who is calling, answers its questions, and waits to be put through."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import Enum, StrEnum

from host.call.answers import Identify
from host.call.hold_phrases import offers_menu
from host.call.live import LiveCall
from host.call.state import AnsweredBy
from host.records.ending import Ending
from host.records.outcome import Outcome
from host.speech.greeting import greeting_of
from host.telephony.voicemail.opening import Mark, Opening
from host.telephony.voicemail.phrases import Reading, read

PAUSE = 0.8
"""Seconds of silence after which the screener is waiting for us."""
TONE_PATIENCE = 4.0
"""The same if it announced a tone."""
PROMPT_LIMIT = 15.0
"""Seconds after which we speak even if the screener still talks."""
LAST_WORDS = 4.0
"""Seconds after a refusal in which the screener may still offer voicemail."""
MOST_ANSWERS = 3
"""Further questions that are answered."""


class Screened(StrEnum):
    """Result of call screening."""

    PERSON = "person"
    MACHINE = "machine"
    DECLINED = "declined"
    NOBODY = "nobody"


@dataclass(frozen=True)
class Through:
    """Who or what followed the screener."""

    result: Screened
    words: str = ""
    machine: AnsweredBy | None = None
    """The kind of machine, if it was one."""


class _Heard(Enum):
    """Result of one utterance after the introduction."""

    PERSON = "somebody has picked up"
    QUESTION = "the screener asks another question"
    REFUSAL = "the screener declines the call"
    WAIT = "the screener goes on"
    NOTHING = "nothing that can be judged yet"


async def identify(call: LiveCall, opening: Opening, policy: Identify) -> Through:
    """Tell who is calling, answer further questions, and wait for the result."""
    hung_up = "a call screener answered and hung up"
    call.hangup_ending = Ending(Outcome.DECLINED, "far end", hung_up)
    try:
        await _prompt_ends(opening)
        mark = opening.mark()
        await _introduce(call, policy, opening.words)
        return await _Screening(call, opening, policy, mark).follow()
    finally:
        call.hangup_ending = None


class _Screening:
    """The conversation with a screener, from the introduction on."""

    def __init__(self, call: LiveCall, opening: Opening, policy: Identify, mark: Mark) -> None:
        self._call, self._opening, self._policy = call, opening, policy
        self._mark = mark
        self._deadline = _now() + policy.max_wait
        self._answers = 0
        self._held = self._declined = False

    async def follow(self) -> Through:
        """Listen until a person, a machine or a refusal follows."""
        opening = self._opening
        while (left := self._deadline - _now()) > 0:
            words = opening.said_since(self._mark)
            if machine := _machine(read(words)):
                return Through(Screened.MACHINE, words, machine)
            heard = self._judge(words) if words and not opening.speaking else _Heard.NOTHING
            if heard is _Heard.PERSON:
                return Through(Screened.PERSON, words)
            if heard is _Heard.QUESTION:
                await self._answer(words)
            elif heard is _Heard.REFUSAL:
                self._declined = True
                self._deadline = min(self._deadline, _now() + LAST_WORDS)
            elif heard is _Heard.WAIT:
                self._mark = opening.mark()
            elif words and not self._declined and opening.quiet < PAUSE:
                left = min(left, PAUSE - opening.quiet)
            if heard is not _Heard.QUESTION:
                await opening.stirs(min(left, max(0.0, self._deadline - _now())))
        return Through(Screened.DECLINED if self._declined else Screened.NOBODY)

    def _judge(self, words: str) -> _Heard:
        said = read(words)
        if offers_menu(words):  # "To get through, please press five."
            return _Heard.WAIT
        asks = bool(said.probes) or (bool(said.screening) and not said.holds)
        if said.picks_up and not (said.holds or said.screening):
            return _Heard.PERSON
        if self._declined:
            return _Heard.NOTHING
        if said.turns_away and not (asks or said.wonders):
            return _Heard.REFUSAL
        if asks:
            return _Heard.QUESTION
        if said.wonders:  # after "please stay on the line", it is the callee's own question
            return _Heard.PERSON if self._held else _Heard.QUESTION
        if said.holds or said.screening:
            self._held = True
            return _Heard.WAIT
        if said.acknowledges:
            return _Heard.WAIT
        return _Heard.PERSON if self._opening.quiet >= PAUSE else _Heard.NOTHING

    async def _answer(self, question: str) -> None:
        """Answer a further question: in the policy's words, or else in the model's."""
        opening = self._opening
        await _prompt_ends(opening)
        self._mark = opening.mark()
        if self._answers < MOST_ANSWERS:
            self._answers += 1
            await _reply(self._call, self._policy.text, question)
            self._deadline = _now() + self._policy.max_wait


def _machine(said: Reading) -> AnsweredBy | None:
    if said.unavailable:
        return AnsweredBy.MACHINE_UNAVAILABLE
    if said.voicemail:
        return AnsweredBy.MACHINE_VM
    return AnsweredBy.ANNOUNCEMENT if said.announcement else None


async def _prompt_ends(opening: Opening) -> None:
    """Wait for the end of the screener's request and of an announced tone."""
    limit = _now() + PROMPT_LIMIT
    while _now() < limit and not (opening.beeped and not opening.speaking):
        patience = TONE_PATIENCE if read(opening.words).tone else PAUSE
        left = patience - opening.quiet
        if left <= 0 and not opening.speaking:
            return
        await opening.stirs(limit - _now() if opening.speaking else left)


async def _introduce(call: LiveCall, policy: Identify, request: str) -> None:
    """Tell who is calling: in the policy's words, by the greeting, or in the model's words."""
    if call.first_words:
        call.first_words.take()
    await _reply(call, policy.text or greeting_of(call).text, request)


async def _reply(call: LiveCall, text: str | None, question: str) -> None:
    """Speak the text; without one, let the model answer, without tools."""
    assert call.session is not None
    if text:
        speech = call.speak(text, interruptible=False)
    else:
        speech = call.session.generate_reply(
            user_input=question, allow_interruptions=False, tool_choice="none"
        )
    await speech.wait_for_playout()


def _now() -> float:
    return asyncio.get_running_loop().time()
