"""Asks in doubt whether a person is there, and classifies the answer."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from host.call.live import LiveCall
from host.telephony.voicemail.opening import Mark, Opening
from host.telephony.voicemail.phrases import read
from host.telephony.voicemail.weighing import Evidence, Verdict, weigh

if TYPE_CHECKING:
    from livekit.agents.voice import SpeechHandle

ANSWER_PATIENCE = 4.0
"""Seconds of silence after the question in which an answer may come."""
TONE_PATIENCE = 2.5
"""Seconds of silence to wait for an announced tone before asking."""
REPLY_PAUSE = 0.3
"""Seconds of silence that end what sounds like a reply."""
PAUSE = 1.5
"""Seconds of silence that end any other answer."""
LOOK = 0.5
"""Seconds between checks while the far end speaks."""
LONGEST = 20.0
"""Seconds after the question at which the answer ends in any case."""


async def ask(call: LiveCall, opening: Opening, evidence: Evidence) -> Verdict:
    """Ask once, unless evidence comes first, and return what answered."""
    if verdict := await _tone_comes(opening, evidence):
        return verdict
    mark = opening.mark()
    question = call.speak(call.persona_settings.words.anybody, interruptible=False)
    question.add_done_callback(opening.stir)
    asked_at: float | None = None
    while True:
        if asked_at is None and question.done():
            asked_at = _now()
        wait = _wait(opening, mark, asked_at)
        answer = opening.answer(mark, over=wait is not None and wait <= 0)
        on_hold = call.hold.active
        heard = replace(evidence, words=opening.words, answer=answer, on_hold=on_hold)
        if verdict := weigh(heard):
            await _fall_silent(question, verdict)
            return verdict
        await opening.stirs(wait)


async def _tone_comes(opening: Opening, evidence: Evidence) -> Verdict | None:
    """Wait for an announced tone: the question would be recorded."""
    while read(opening.words).tone and (not opening.beeped or opening.words_due):
        left = opening.words_due if opening.beeped else TONE_PATIENCE - opening.quiet
        if left <= 0:
            return None
        await opening.stirs(None if opening.speaking else left)
    heard = opening.evidence(evidence.label, late=evidence.late)
    return weigh(heard) if heard.beep and heard.words else None


def _wait(opening: Opening, mark: Mark, asked_at: float | None) -> float | None:
    """Return the seconds in which the answer may continue; None during the question."""
    if asked_at is None:
        return None
    if _now() - asked_at > LONGEST:
        return 0.0
    if opening.speaking:
        return LOOK
    spoke = opening.answer(mark, over=False).spoke
    words = opening.said_since(mark)
    if not spoke and not words:
        return ANSWER_PATIENCE - (_now() - asked_at)
    said = read(words)
    return (REPLY_PAUSE if said.replies or said.asks_back else PAUSE) - opening.quiet


async def _fall_silent(question: SpeechHandle, verdict: Verdict) -> None:
    """Interrupt the question for a machine that records; let a person hear all of it."""
    if verdict.mailbox and not question.done():
        await question.interrupt(force=True)
    elif not question.done():
        await question.wait_for_playout()


def _now() -> float:
    return asyncio.get_running_loop().time()
