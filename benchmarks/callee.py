"""Whoever picks up in the corpus: plays an opening, and answers as such a callee does."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

import numpy as np
from openings import Beep, Opening

from host.local.exchange import PhoneCall
from host.local.phone import Line, NotHeard, PersonScript
from host.local.sound import RATE, Samples, silence, tone
from host.local.speech import speak
from host.records.record import CallRecord
from host.testing import heard

QUESTION = "Is somebody there?"
"""What the host asks of whoever stays in doubt: the second sentence of `words.anybody`."""
SILENT = "the callee stayed silent"
"""Why the host ends a call whose far end has been greeted and says nothing for 36 s."""
STAYS = 60.0
"""Seconds that a machine stays on the line."""


@dataclass(frozen=True)
class Caller:
    """What the persona says."""

    greeting: str
    message: str


@dataclass(frozen=True)
class Result:
    """What came of one call."""

    opening: Opening
    verdict: str
    right: bool
    """Whether what was done is right, whatever the verdict was called."""
    fault: str = ""
    """What was wrong with it."""
    reason: str = ""
    seconds: float | None = None
    """Seconds from the answer to the verdict, where that was taken."""


def callee(opening: Opening, caller: Caller) -> PersonScript:
    """Make the telephone of an opening."""

    async def script(line: Line) -> None:
        await _open(line, opening)
        with contextlib.suppress(NotHeard):  # judged by what was heard in the end
            if opening.truth == "screening":
                await _screen(line, caller)
            if opening.truth in ("human", "screening"):
                await _converse(line, opening, caller)
                return
        await line.stay(STAYS)

    return script


def judge(opening: Opening, caller: Caller, call: PhoneCall, record: CallRecord) -> Result:
    """Say what a call came to, by what its telephone heard and by its record."""
    verdict = record.voicemail or "none"
    fault = _fault(opening, caller, call, record)
    return Result(opening, verdict, not fault, fault, record.voicemail_reason or "")


async def _open(line: Line, opening: Opening) -> None:
    for step in opening.script:
        if isinstance(step, str):
            await _say(line, step, opening.noise)
        elif isinstance(step, Beep):
            await line.play(tone(step.hz, step.seconds))
        else:
            await line.play(silence(step))


async def _say(line: Line, sentence: str, noise: float | None) -> None:
    if noise is None:
        await line.say(sentence)
        return
    await line.begin(sentence)  # registers it for the ears
    line.hush()
    await line.play(_noisy(await speak(sentence, RATE), noise))


async def _converse(line: Line, opening: Opening, caller: Caller) -> None:
    """Answer the question, if it comes; let the greeting come to its end, and hang up."""
    greeting = asyncio.ensure_future(line.heard(caller.greeting, 40))
    question = asyncio.ensure_future(line.heard(QUESTION, 40))
    try:
        await asyncio.wait({greeting, question}, return_when=asyncio.FIRST_COMPLETED)
        if question.done() and not question.exception():
            await line.say(opening.reply)
            await asyncio.wait({greeting})
        greeting.result()
    finally:
        greeting.cancel()
        question.cancel()
        await asyncio.gather(greeting, question, return_exceptions=True)
    await line.say("All right, thank you.")
    await line.wait(2.0)
    await line.hang_up()


async def _screen(line: Line, caller: Caller) -> None:
    """Listen to who is calling, fetch somebody, and let them pick up."""
    await line.heard(caller.greeting, 30)
    await line.say("Thank you. Please stay on the line.")
    await line.wait(2.0)
    await line.say("Yes, hello?")


def _noisy(speech: Samples, level: float) -> Samples:
    noise = np.random.default_rng(1).normal(0, 32768 * 10 ** (level / 20), speech.size)
    return np.clip(speech + noise, -32768, 32767).astype(np.int16)


def _fault(opening: Opening, caller: Caller, call: PhoneCall, record: CallRecord) -> str:
    # A word that other sentences have in common with the message is no part of it.
    messages = [found for found in heard(call, caller.message) if found.share > 0.3]
    greetings = heard(call, caller.greeting)
    if opening.truth in ("human", "screening"):
        if messages:
            return "was read a message"
        # Busy local ears may miss a greeting that was there; who says nothing then is let go.
        fell_silent = record.reason == SILENT and opening.truth == "human" and greetings
        if call.ended_by == "far end" and not fell_silent:
            return f"was hung up on: {record.reason}"
        if not greetings:
            return "was not greeted"
        return ""
    if opening.truth == "machine-unavailable":
        return "" if record.outcome == "voicemail_skipped" and not messages else "got a message"
    if len(messages) != 1 or not messages[0].whole:
        return f"did not get the whole message once: {messages}"
    if opening.beeps and messages[0].start < _end_of_beep(opening, call):
        return "was spoken to before its beep was over"
    return ""


def _end_of_beep(opening: Opening, call: PhoneCall) -> float:
    """The second at which the last beep of an opening ended, in the telephone's recording."""
    said = call.recording[:, 0]
    loud = np.flatnonzero(np.abs(said.astype(np.int32)) > 1000)
    return float(loud[-1] + 1) / RATE if loud.size else 0.0
