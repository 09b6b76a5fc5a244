"""Whoever picks up in the corpus: plays an opening, and answers as such a callee does."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from openings import Answered, Beep, Mumble, Opening, Step

from host.local.exchange import PhoneCall
from host.local.phone import Line, NotHeard
from host.local.rules import Rule
from host.local.sound import RATE, Samples, loud, silence, tone
from host.local.speech import speak
from host.records.record import CallRecord
from host.testing import heard

QUESTION = "Is somebody there?"
"""What the host asks of whoever stays in doubt: the second sentence of `words.anybody`."""
SILENT = "the callee stayed silent"
"""Why the host ends a call whose far end has been greeted and says nothing for 36 s."""
STAYS = 60.0
"""Seconds that a machine stays on the line."""
BLOCK = 0.02
"""Seconds of the recording that are judged as one."""
ANSWER_LIMIT = 15.0
"""Seconds in which a screener's question must be answered."""


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
    first_word: float | None = None
    """Seconds from the answer to the first sound that the telephone heard, if any."""


async def mumbling(seconds: float) -> Samples:
    """Make speech of which no STT makes words: a sentence, backwards."""
    said = await speak("Whatever this may have been, it is not what it was any more.", RATE)
    return np.resize(said[::-1], round(seconds * RATE))


class Callee:
    """What answers one call: a telephone's script, which notes what `judge` needs."""

    def __init__(
        self,
        opening: Opening,
        caller: Caller,
        mumbling: Callable[[float], Awaitable[Samples]] = mumbling,
    ) -> None:
        self._opening, self._caller, self._mumbling = opening, caller, mumbling
        self._put_through: float | None = None
        """The second at which the callee behind a screener or a queue speaks first."""

    async def __call__(self, line: Line) -> None:
        """Play the opening, and answer as such a callee does."""
        opening = self._opening
        if opening.truth == "queue" and not opening.outcome:
            *queued, person = opening.script
            await self._play(line, queued)
            self._put_through = line.call.since_answer()
            await self._play(line, [person])
        else:
            await self._play(line, opening.script, opening.noise)
        with contextlib.suppress(NotHeard):  # judged by what was heard in the end
            if opening.truth == "screening":
                await self._screen(line)
            if opening.truth == "human" or self._put_through is not None:
                await _converse(line, opening, self._caller)
                return
        if opening.stays:
            await line.stay(STAYS)
        else:
            await line.hang_up()

    def judge(self, call: PhoneCall, record: CallRecord) -> Result:
        """Say what the call came to, by what its telephone heard and by its record."""
        opening = self._opening
        verdict = record.voicemail or "none"
        fault = _fault(opening, self._caller, call, record, self._put_through)
        reason = record.voicemail_reason or ""
        return Result(opening, verdict, not fault, fault, reason, _first_word(call))

    async def _screen(self, line: Line) -> None:
        """Hear who is calling, ask further questions, then let a person pick up."""
        *turns, last = self._opening.turns
        await line.heard(self._caller.greeting, 30)
        await self._play(line, turns[1:])
        if self._opening.outcome:
            await self._play(line, [last])
            return
        self._put_through = line.call.since_answer()
        await self._play(line, [last])

    async def _play(self, line: Line, steps: Sequence[Step], noise: float | None = None) -> None:
        for step in steps:
            if isinstance(step, str):
                await _say(line, step, noise)
            elif isinstance(step, Answered):
                await line.sound(ANSWER_LIMIT)
                await line.silence_for(1.0)
            elif isinstance(step, Beep):
                await line.play(tone(step.hz, step.seconds))
            elif isinstance(step, Mumble):
                await line.play(await self._mumbling(step.seconds))
            else:
                await line.play(silence(step))


def wrong_rules(openings: Iterable[Opening]) -> list[Rule]:
    """Make a model that takes every person for a machine, and everything else for a person."""
    return [
        Rule(
            about="Classify the call greeting",
            hears=re.escape(sentence.strip(" .?!")),
            calls=(
                "save_prediction",
                {"label": "machine-vm" if opening.truth == "human" else "human"},
            ),
        )
        for opening in openings
        for sentence in opening.sentences
    ]


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


def _noisy(speech: Samples, level: float) -> Samples:
    noise = np.random.default_rng(1).normal(0, 32768 * 10 ** (level / 20), speech.size)
    return np.clip(speech + noise, -32768, 32767).astype(np.int16)


def _fault(
    opening: Opening,
    caller: Caller,
    call: PhoneCall,
    record: CallRecord,
    put_through: float | None,
) -> str:
    if opening.truth == "announcement":
        return _answered_network(opening, call, record)
    # A word that other sentences have in common with the message is no part of it.
    messages = [found for found in heard(call, caller.message) if found.share > 0.3]
    greetings = heard(call, caller.greeting)
    if opening.truth in ("human", "screening", "queue"):
        if messages:
            return "was read a message"
        if opening.truth == "queue" and _spoken_to(call, before=put_through):
            return "was spoken to on hold"
        if opening.outcome:
            return _turned_away(opening, record)
        # Busy local ears may miss a greeting that was there; who says nothing then is let go.
        fell_silent = record.reason == SILENT and opening.truth == "human" and greetings
        if call.ended_by == "far end" and not fell_silent:
            return f"was hung up on: {record.reason}"
        if put_through is None and opening.truth == "screening":
            return "was not told who calls, or got no answer to a question"
        if not any(found.start > (put_through or 0.0) for found in greetings):
            return "was not greeted"
        return ""
    if opening.truth == "machine-unavailable":
        return "" if record.outcome == "voicemail_skipped" and not messages else "got a message"
    if len(messages) != 1 or not messages[0].whole:
        return f"did not get the whole message once: {messages}"
    if opening.beeps and messages[0].start < _end_of_beep(opening, call):
        return "was spoken to before its beep was over"
    return ""


def _first_word(call: PhoneCall) -> float | None:
    """Return the second of the call at which the far end first heard something."""
    heard = np.flatnonzero(loud(call.recording[:, 1], block=BLOCK))
    return float(heard[0]) * BLOCK if heard.size else None


def _spoken_to(call: PhoneCall, before: float | None = None) -> bool:
    """Say whether the far end heard anything, or anything before a second of the call."""
    end = None if before is None else round(before * RATE)
    return bool(loud(call.recording[:end, 1]).any())


def _turned_away(opening: Opening, record: CallRecord) -> str:
    """Judge a call in which nobody came on the line."""
    right = record.outcome == opening.outcome
    return "" if right else f"ended as {record.outcome}: {record.reason}"


def _answered_network(opening: Opening, call: PhoneCall, record: CallRecord) -> str:
    """Nothing is said to a network, and the record tells what it announced."""
    if _spoken_to(call):
        return "was spoken to"
    if record.voicemail != "announcement" or "announcement" not in record.reason:
        return f"was not recorded as an announcement: {record.reason}"
    return _turned_away(opening, record)


def _end_of_beep(opening: Opening, call: PhoneCall) -> float:
    """The second at which the last beep of an opening ended, in the telephone's recording."""
    said = call.recording[:, 0]
    loud = np.flatnonzero(np.abs(said.astype(np.int32)) > 1000)
    return float(loud[-1] + 1) / RATE if loud.size else 0.0
