"""Announces the call to a call screener and waits to be put through."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import StrEnum

from host.call.answers import Identify
from host.call.live import LiveCall
from host.call.speech import say_exactly
from host.call.state import AnsweredBy
from host.records.ending import Ending
from host.records.outcome import Outcome
from host.speech.greeting import greeting_of
from host.telephony.voicemail.opening import Mark, Opening
from host.telephony.voicemail.phrases import read

PAUSE = 0.8
"""Seconds of silence after which the screener is waiting for us."""
TONE_PATIENCE = 4.0
"""The same if it announced a tone."""
PROMPT_LIMIT = 15.0
"""Seconds after which we speak even if the screener still talks."""
LAST_WORDS = 4.0
"""Seconds after a refusal in which the screener may still offer voicemail."""


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


async def identify(call: LiveCall, opening: Opening, policy: Identify) -> Through:
    """Announce the call once and wait for the result."""
    await _prompt_ends(opening)
    hung_up = "a call screener answered and hung up"
    call.hangup_ending = Ending(Outcome.DECLINED, "far end", hung_up)
    try:
        mark = opening.mark()
        await _introduce(call, opening, policy)
        return await _follow(opening, mark, _now() + policy.max_wait)
    finally:
        call.hangup_ending = None


async def _prompt_ends(opening: Opening) -> None:
    """Wait for the end of the screener's request and of an announced tone."""
    limit = _now() + PROMPT_LIMIT
    while _now() < limit and not (opening.beeped and not opening.speaking):
        patience = TONE_PATIENCE if read(opening.words).tone else PAUSE
        left = patience - opening.quiet
        if left <= 0 and not opening.speaking:
            return
        await opening.stirs(limit - _now() if opening.speaking else left)


async def _introduce(call: LiveCall, opening: Opening, policy: Identify) -> None:
    """Announce the call; without a text, the model does."""
    assert call.session is not None
    text = policy.text or greeting_of(call).text
    said = opening.words
    if call.first_words:
        call.first_words.take()
    if text:
        speech = say_exactly(call.session, text, interruptible=False)
    else:
        speech = call.session.generate_reply(user_input=said, allow_interruptions=False)
    await speech.wait_for_playout()


async def _follow(opening: Opening, mark: Mark, deadline: float) -> Through:
    """Listen until a person, a machine or a refusal follows."""
    declined = False
    while (left := deadline - _now()) > 0:
        words = opening.words_since(mark)
        said = read(words)
        if said.unavailable or said.voicemail:
            full = AnsweredBy.MACHINE_UNAVAILABLE
            machine = full if said.unavailable else AnsweredBy.MACHINE_VM
            return Through(Screened.MACHINE, words, machine)
        if said.announcement:
            return Through(Screened.MACHINE, words, AnsweredBy.ANNOUNCEMENT)
        if said.turns_away and not declined:
            declined, deadline = True, min(deadline, _now() + LAST_WORDS)
            continue
        if words and not declined and not (said.holds or said.screening or opening.speaking):
            return Through(Screened.PERSON, words)
        if said.holds or said.screening:
            mark = opening.mark()  # the screener is still speaking
        await opening.stirs(left)
    return Through(Screened.DECLINED if declined else Screened.NOBODY)


def _now() -> float:
    return asyncio.get_running_loop().time()
