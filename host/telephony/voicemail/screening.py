"""Tells a call screener who is calling, and waits for whoever it lets us through to."""

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
"""Seconds of silence after which the screener waits for us."""
TONE_PATIENCE = 4.0
"""The same where it has announced a tone."""
PROMPT_LIMIT = 15.0
"""Seconds after which we speak even if the screener talks on."""
LAST_WORDS = 4.0
"""Seconds after a refusal in which the screener may still offer its voicemail."""


class Screened(StrEnum):
    """What a call screening came to."""

    PERSON = "person"
    MACHINE = "machine"
    DECLINED = "declined"
    NOBODY = "nobody"


@dataclass(frozen=True)
class Through:
    """What came after the screener."""

    result: Screened
    words: str = ""
    machine: AnsweredBy | None = None
    """Which machine it was."""


async def identify(call: LiveCall, opening: Opening, policy: Identify) -> Through:
    """Say once who is calling, and wait for what follows."""
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
    """Wait for the end of the screener's request, and for the tone where it has announced one."""
    limit = _now() + PROMPT_LIMIT
    while _now() < limit and not (opening.beeped and not opening.speaking):
        patience = TONE_PATIENCE if read(opening.words).tone else PAUSE
        left = patience - opening.quiet
        if left <= 0 and not opening.speaking:
            return
        await opening.stirs(limit - _now() if opening.speaking else left)


async def _introduce(call: LiveCall, opening: Opening, policy: Identify) -> None:
    """Say who is calling; where nobody has written it down, the model says it."""
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
    """Listen until a person comes on, a machine does, or the screener turns us away."""
    declined = False
    while (left := deadline - _now()) > 0:
        words = opening.words_since(mark)
        said = read(words)
        if said.unavailable or said.voicemail:
            full = AnsweredBy.MACHINE_UNAVAILABLE
            machine = full if said.unavailable else AnsweredBy.MACHINE_VM
            return Through(Screened.MACHINE, words, machine)
        if said.turns_away and not declined:
            declined, deadline = True, min(deadline, _now() + LAST_WORDS)
            continue
        if words and not declined and not (said.holds or said.screening or opening.speaking):
            return Through(Screened.PERSON, words)
        if said.holds or said.screening:
            mark = opening.mark()  # the screener's own words
        await opening.stirs(left)
    return Through(Screened.DECLINED if declined else Screened.NOBODY)


def _now() -> float:
    return asyncio.get_running_loop().time()
