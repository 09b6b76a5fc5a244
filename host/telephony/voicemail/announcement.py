"""Hears a network announcement to its end, and names the outcome that it tells.

Networks announce that the number is not in service, or that the callee is busy or can't be reached:
in answered calls, or before the answer, as early media.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from host.call.state import AnsweredBy
from host.records.ending import Ending
from host.records.outcome import Outcome
from host.records.record import Who
from host.telephony.voicemail.opening import Mark, Opening
from host.telephony.voicemail.phrases import read
from host.telephony.voicemail.weighing import Evidence, Verdict, weigh

PAUSE = 3.0
"""Seconds of silence after an announcement in which it may go on and offer voicemail."""
HELLO = 0.8
"""Seconds of silence that end the "hello?" of a person who picks up after it."""
TONES = 1.5
"""Seconds after a beep in which a second one shows that it is a busy tone."""
LIMIT = 20.0
"""Seconds after which an announcement that repeats itself has said all."""


async def hear_out(opening: Opening, verdict: Verdict) -> Verdict:
    """Wait for the end of an announcement, and return what it was or what followed it."""
    mark, until = opening.mark(), _now() + LIMIT
    while True:
        if follows := _what_follows(opening, mark):
            return follows
        left = until - _now()
        if not opening.speaking:
            left = min(left, _patience(opening, mark))
        if left <= 0:
            return verdict
        await opening.stirs(left)


def ending_of(words: str, by: Who) -> Ending:
    """Return the ending of a call in which a network announced `words`."""
    said = read(words)
    if said.not_in_service:
        outcome, what = Outcome.INVALID_NUMBER, "the number is not in service"
    elif said.engaged:
        outcome, what = Outcome.BUSY, "the line is busy"
    elif said.unreachable or not said.closed:
        outcome, what = Outcome.NO_ANSWER, "the callee can't be reached"
    else:
        return Ending(Outcome.NO_ANSWER, by, "an announcement said that the callee is closed")
    return Ending(outcome, by, f"a network announcement said that {what}")


def explained(unanswered: Ending, early_words: str) -> Ending:
    """Return the ending of a dial without an answer, in the words of the network's early media.

    A SIP status that is definite about the callee counts more, such as 404 or 486.
    """
    verdict = weigh(Evidence(early_words))
    vague = unanswered.outcome is Outcome.NO_ANSWER or (
        unanswered.outcome is Outcome.TRUNK_ERROR and unanswered.sip_status is not None
    )
    if not (vague and verdict and verdict.category is AnsweredBy.ANNOUNCEMENT):
        return unanswered
    told, status = ending_of(early_words, unanswered.by), unanswered.sip_status
    reason = f"{told.reason} (SIP {status})" if status else told.reason
    return replace(told, reason=reason, sip_status=status)


def if_hung_up(opening: Opening) -> Ending | None:
    """Return the ending if the far end hangs up now, before the verdict; None: the default."""
    verdict = announced(opening)
    return ending_of(verdict.transcript, "far end") if verdict else None


def announced(opening: Opening) -> Verdict | None:
    """Return the verdict if an announcement has been heard, even in an interim transcript."""
    verdict = weigh(Evidence(opening.words_so_far))
    return verdict if verdict and verdict.category is AnsweredBy.ANNOUNCEMENT else None


def _what_follows(opening: Opening, mark: Mark) -> Verdict | None:
    """Return what is on the line if it is not an announcement any more."""
    if read(opening.words_since(mark)).asks_back or (
        _picks_up(opening, mark) and opening.quiet >= HELLO
    ):
        return Verdict(AnsweredBy.HUMAN, "a person picked up after a network announcement")
    verdict = weigh(opening.evidence(None))
    if verdict and verdict.category is not AnsweredBy.ANNOUNCEMENT:
        return verdict
    invalid = read(opening.words).not_in_service
    if opening.beeps == 1 and not invalid and opening.since_beep >= TONES:
        return Verdict(AnsweredBy.MACHINE_VM, "a beep after a network announcement")
    return None


def _picks_up(opening: Opening, mark: Mark) -> bool:
    last = read(opening.last_since(mark))
    return bool(last.picks_up) and not last.announcement


def _patience(opening: Opening, mark: Mark) -> float:
    """Return the seconds of silence to wait for what may follow."""
    if opening.beeps == 1:
        return TONES - opening.since_beep
    return (HELLO if _picks_up(opening, mark) else PAUSE) - opening.quiet


def _now() -> float:
    return asyncio.get_running_loop().time()
