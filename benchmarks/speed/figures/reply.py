"""From the end of a caller's last sample to the reply, taken apart; and who is cut off."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack

import numpy as np

from host.local.sound import RATE, Samples, silence
from speed import sound, words
from speed.bench import Bench
from speed.caller import Caller, NotServed
from speed.plan import rotated
from speed.providers import Moment
from speed.targets import Target

CALM = 0.5
"""Seconds of silence before the next question."""
LIMIT = 10.0
"""Seconds in which a question must be answered."""


async def measure(bench: Bench, targets: Sequence[Target], setting: str) -> None:
    """Have one call with each target, and ask them in turn."""
    async with AsyncExitStack() as up:
        calls: list[tuple[Target, Caller]] = []
        for target in targets:
            try:
                caller = await up.enter_async_context(bench.caller(target, setting))
                await caller.heard()
                await caller.silence(CALM)
            except NotServed as error:
                bench.results.miss("reply", target.name, str(error), setting)
            else:
                calls.append((target, caller))
        for at in range(bench.plan.turns):
            for target, caller in rotated(calls, at):
                turn = _ask(bench, target, caller, setting, at)
                await bench.tried(turn, "reply", target.name, setting)
        for at, pause in enumerate(words.PAUSES[: bench.plan.pauses]):
            for target, caller in rotated(calls, at):
                hesitant = _hesitate(bench, target, caller, setting, pause)
                await bench.tried(hesitant, "cut off", target.name, setting)


async def _ask(bench: Bench, target: Target, caller: Caller, setting: str, at: int) -> None:
    end = await caller.say(bench.question)
    heard = await caller.heard(end, LIMIT)
    bench.results.add("reply", target.name, 1000 * (heard - end), setting, at)
    turn = caller.state_since(end, ("thinking", "speaking"))
    found = parts(bench.providers.moments.between(end, heard), end, heard, turn)
    for name, milliseconds in found.items():
        bench.results.add(f"reply {name}", target.name, milliseconds, setting, at)
    await caller.silence(CALM)


async def _hesitate(
    bench: Bench, target: Target, caller: Caller, setting: str, pause: float
) -> None:
    question = with_pause(bench.question, pause)
    end = await caller.say(question)
    begin = end - question.size / RATE
    await caller.heard(end, LIMIT)
    spoken_over = sound.onset(caller.recording(begin, end)) is not None
    bench.results.add("cut off", target.name, 100.0 * spoken_over, setting)
    await caller.silence(CALM)


def with_pause(question: Samples, seconds: float) -> Samples:
    """Return a question with a pause in its middle, where it is quietest."""
    size = round(RATE * sound.BLOCK)
    blocks = question[: question.size // size * size].reshape(-1, size).astype(np.float64)
    loudness = np.mean(np.square(blocks), axis=1)
    third = loudness.size // 3
    cut = (third + int(np.argmin(loudness[third : 2 * third]))) * size
    return np.concatenate([question[:cut], silence(seconds), question[cut:]])


def parts(
    moments: Sequence[Moment], end: float, heard: float, turn: float | None
) -> dict[str, float]:
    """Take a reply apart: milliseconds from `end` to each of `goals.PARTS` that can be seen.

    `moments` are those of the providers between `end` and `heard`. A reply that was begun ahead
    may have been thrown away: of each moment it is the last one before the next that counts.
    `turn` is when the agent said that it had decided the end of the turn.
    """
    found: dict[str, float] = {}
    before = heard
    for name in ("first byte", "tts asked", "first token", "llm asked", "stt final"):
        at = max(
            (each.at for each in moments if each.what == name and each.at <= before), default=None
        )
        if at is not None:
            found[name] = before = at
    if turn is not None and turn <= heard:
        found["turn"] = turn
    found["heard"] = heard
    return {name: 1000 * (at - end) for name, at in found.items()}
