"""Leaves a message on a machine: once, from its start, when the machine records."""

from __future__ import annotations

import asyncio
from enum import Enum

from host.call.answers import LeaveMessage
from host.call.live import LiveCall
from host.telephony.voicemail.opening import Mark, Opening
from host.telephony.voicemail.phrases import read

BEEP_PATIENCE = 4.0
"""Seconds of silence after the machine's greeting in which a beep may come."""
TONE_PATIENCE = 6.0
"""The same if the greeting announced a tone."""
PAUSE = 0.8
"""Seconds of silence that count as a pause for `wait_for="silence"`."""


class Turn(Enum):
    """Result of waiting for the machine to record."""

    SPEAK = "the machine listens"
    FULL = "the mailbox takes no messages"
    PERSON = "somebody has picked up after all"


async def our_turn(call: LiveCall, opening: Opening, policy: LeaveMessage) -> Turn:
    """Wait for the end of the beep, or for the pause that the policy asks for."""
    begun, mark = _now(), opening.mark()
    while True:
        if read(opening.words).unavailable:
            return Turn.FULL
        if _person(opening, mark):
            return Turn.PERSON
        left = policy.max_wait - (_now() - begun)
        if not opening.speaking:
            left = min(left, _patience(opening, policy) - opening.quiet)
        if left <= 0 or (opening.beeped and not opening.speaking):
            return Turn.SPEAK
        await opening.stirs(left)


def _patience(opening: Opening, policy: LeaveMessage) -> float:
    if policy.wait_for == "silence":
        return PAUSE
    return TONE_PATIENCE if read(opening.words).tone else BEEP_PATIENCE


def _person(opening: Opening, mark: Mark) -> bool:
    """Return whether a person has picked up meanwhile: "Hello? Who is this?"."""
    said = read(opening.words_since(mark))
    return bool(said.asks_back) and not said.voicemail


def _now() -> float:
    return asyncio.get_running_loop().time()
