"""Answering machines, call screeners and suspicious people, and what they are told."""

from __future__ import annotations

import numpy as np

from host.local.phone import Line, PersonScript
from host.local.sound import purity

MESSAGE = "This is the message of the test. Please call us back tomorrow."
GREETING = "Good morning Ann, this is a test call."
MAILBOX = "You have reached the voicemail of Ann. Please leave a message after the tone."
QUESTION = "Hello? Is somebody there?"


def says(*parts: str | float, beep: bool = False, stays: bool = True) -> PersonScript:
    """Make a telephone that says texts, with pauses of so many seconds, and may beep."""

    async def script(line: Line) -> None:
        for part in parts:
            await (line.say(part) if isinstance(part, str) else line.wait(part))
        if beep:
            await line.beep()
        await (line.stay() if stays else line.hang_up())

    return script


def beep_ends(said: object) -> float:
    """The second at which the last 1000 Hz tone in a recording ended."""
    samples = np.asarray(said, np.int16)
    window = 400
    pure = [
        at
        for at in range(0, len(samples) - window, window)
        if np.abs(samples[at : at + window]).mean() > 500
        and purity(samples[at : at + window], 1000) > 0.9
    ]
    assert pure, "there was no beep"
    return (pure[-1] + window) / 8000
