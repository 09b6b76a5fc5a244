"""Calls whose providers are in trouble: how they are made, and what is measured in them."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import numpy as np
from in_memory.world import MemoryScene
from ways import Rings

from host.local.exchange.line import NotHeard
from host.local.phone import Line, PersonScript, PhoneCall
from host.local.sound import RATE
from host.local.trouble import Trouble, Troubles
from host.records.record import CallRecord
from host.testing import Scene

QUESTION = "Please tell me, what day is it today?"
GREETING = "Good day from the workshop."
ANSWER = "Today is Monday."
FILLER = "One moment please."
NOT_HEARD = "I am sorry, I did not get that. Could you say it again?"
APOLOGY = "I am sorry, something went wrong on our side. Please call again later."
KINDS = ("stt", "llm", "tts")
LOUD = 200
"""The level of samples from which something is heard."""
WINDOW = RATE // 50
_calls = count()


@dataclass(frozen=True)
class Troubled:
    """One call, and its record."""

    call: PhoneCall
    record: CallRecord


async def sounds_are_kept(scene: Scene, *personas: str, limit: float = 90.0) -> None:
    """Wait until the host has made the sounds of these personas."""
    if isinstance(scene, MemoryScene):
        await scene.keep_sounds()
        return
    folder = scene.folder / "state" / "sounds"
    async with asyncio.timeout(limit):
        while not all(_all_said(folder / f"{persona}.json") for persona in personas):
            await asyncio.sleep(0.2)


def _all_said(index: Path) -> bool:
    try:
        return len(json.loads(index.read_bytes())) >= 4
    except (OSError, ValueError):
        return False


def troubles_of(scene: Scene, kind: str) -> Troubles:
    """The troubles of the provider of this kind."""
    troubles = {
        "stt": scene.world.deepgram.troubles,
        "llm": scene.world.llm.troubles,
        "tts": scene.world.cartesia.troubles,
    }
    return troubles[kind]


async def asks(line: Line) -> None:
    """Ask what day it is, once, and stay on the line."""
    await greeted(line)
    await line.say(QUESTION)
    await line.stay()


async def listens(line: Line) -> None:
    """Wait for what comes."""
    await line.stay()


async def greeted(line: Line) -> None:
    """Wait until the persona has said something, and says no more."""
    await line.sound(limit=30)
    await line.silence_for(1.2)


async def asks_until_answered(line: Line) -> None:
    """Ask what day it is, again where no answer comes, and hang up after it."""
    await greeted(line)
    for _ in range(3):
        await line.say(QUESTION)
        with contextlib.suppress(NotHeard):
            await line.heard("today is monday", limit=9)
            break
    await line.hang_up()


async def ring(
    scene: Scene,
    persona: str,
    kind: str,
    trouble: Trouble,
    script: PersonScript = asks,
    *,
    times: int | None = None,
) -> Troubled:
    """Ring a persona with a model of this call's own, which is in trouble, to the end."""
    await sounds_are_kept(scene, persona)
    model = f"{kind}-{trouble}-{next(_calls)}"
    troubles_of(scene, kind).set(model, trouble, times=times)
    seen = await Rings(persona, script, details={kind: model}).make(scene)
    assert seen.call is not None
    return Troubled(seen.call, await scene.over(seen.call, 60))


def worst_silence(call: PhoneCall) -> float:
    """Seconds of the longest time in which neither side was heard, from the answer to the end."""
    windows = call.recording[: len(call.recording) // WINDOW * WINDOW]
    peaks = np.abs(windows.astype(np.int32)).max(axis=1).reshape(-1, WINDOW).max(axis=1)
    worst = here = 0
    for peak in peaks:
        here = here + 1 if peak < LOUD else 0
        worst = max(worst, here)
    return worst * WINDOW / RATE


def last_sound_of_the_caller(call: PhoneCall) -> float:
    """Seconds from the answer to the last sound that the caller made."""
    loud = np.flatnonzero(np.abs(call.recording[:, 0].astype(np.int32)) > LOUD)
    return float(loud[-1]) / RATE
