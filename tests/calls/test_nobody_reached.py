"""No outcome says that somebody was reached where nobody was: one table of all that answers.

Each far end plays in several variations, drawn from a seed: how long it waits, how often it repeats
itself, and whether it hangs up.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from in_memory.sound import speak
from people import MAILBOX, SCREENER

from host.local.exchange import Subscriber
from host.local.phone import Line, NoAnswer, PersonScript, Telephone, voicemail
from host.local.sound import Samples, tone
from host.records.outcome import Outcome
from host.testing import Scene

SEEDS = range(4)
BABBLE: Samples = speak(" " * 25, 8000)
"""A second and a half of speech in which no STT finds a word."""
MUSIC: Samples = (tone(440, 2.0) // 2 + tone(554, 2.0) // 2).astype(np.int16)

Dice = random.Random


async def leaves(line: Line, dice: Dice) -> None:
    """Hang up after a while, or have the other side do so."""
    if dice.random() < 0.7:
        await line.wait(dice.uniform(0.5, 15.0))
        await line.hang_up()
    await line.stay()


def person(dice: Dice) -> PersonScript:
    """Somebody who picks up, listens, and says goodbye."""
    hello = dice.choice(("Hello?", "Yes, hello, who is there?", "Baker speaking."))

    async def script(line: Line) -> None:
        await line.wait(dice.uniform(0.2, 1.5))
        await line.say(hello)
        await line.sound()
        await line.silence_for(1.5)
        await line.say("Thank you and goodbye.")
        await line.stay()

    return script


def mailbox(dice: Dice) -> PersonScript:
    """A mailbox that records for a while, and hangs up."""
    return voicemail(MAILBOX, pause=dice.uniform(0.3, 1.2), records=dice.uniform(15, 40))


def repeats(*parts: str | Samples) -> Callable[[Dice], PersonScript]:
    """Something that plays its parts over and over."""

    def of(dice: Dice) -> PersonScript:
        async def script(line: Line) -> None:
            for _ in range(dice.randint(1, 4)):
                await line.wait(dice.uniform(0.2, 2.5))
                for part in parts:
                    await (line.say(part) if isinstance(part, str) else line.play(part))
            await leaves(line, dice)

        return script

    return of


@dataclass(frozen=True)
class FarEnd:
    """What answers, and what may be said of a call to it."""

    name: str
    script: Callable[[Dice], PersonScript] | None
    """None where nothing answers."""
    may: frozenset[Outcome] = frozenset()
    """The outcomes of somebody reached that are true of it."""
    must: bool = False
    """Whether one of them is the only truth."""

    def telephone(self, dice: Dice) -> Subscriber:
        """Make its telephone."""
        if self.script is None:
            return NoAnswer()
        return Telephone(answer_after=dice.uniform(0.2, 2.0), script=self.script(dice))


TALKED = frozenset(outcome for outcome in Outcome if outcome.conversation)
LEFT = frozenset({Outcome.VOICEMAIL_LEFT})
QUEUE = "All our agents are busy at the moment. Please hold the line."
NETWORK = "The number you have dialled is not in service."
MENU = "For sales, press one. For support, press two. To hear this again, press the star key."

DETECTED = (
    FarEnd("person", person, TALKED, must=True),
    FarEnd("mailbox", mailbox, LEFT, must=True),
    FarEnd("network announcement", repeats(NETWORK)),
    FarEnd("music", repeats(MUSIC, MUSIC, MUSIC)),
    FarEnd("queue", repeats(QUEUE, MUSIC, MUSIC)),
    FarEnd("screener", repeats(SCREENER)),
    FarEnd("menu", repeats(MENU)),
    FarEnd("silence", repeats()),
    FarEnd("babble", repeats(BABBLE)),
    FarEnd("drone", repeats(*[BABBLE] * 12)),
    FarEnd("nobody", None),
)
"""Where the host finds out what answers."""
UNDETECTED = (
    FarEnd("person", person, TALKED, must=True),
    FarEnd("mailbox", mailbox, TALKED),  # it is treated like a person, as its persona wants it
    FarEnd("music", repeats(MUSIC, MUSIC, MUSIC)),
    FarEnd("silence", repeats()),
    FarEnd("babble", repeats(BABBLE)),
    FarEnd("nobody", None),
)
"""Where the persona talks to whatever answers."""


def every(far_ends: tuple[FarEnd, ...]) -> pytest.MarkDecorator:
    """Each far end with each seed."""
    return pytest.mark.parametrize(
        ("far_end", "seed"),
        [
            pytest.param(
                *(far_end, seed),
                id=f"{far_end.name}-{seed}",
                marks=[pytest.mark.every] if seed in SEEDS[2:] else [],
            )
            for far_end in far_ends
            for seed in SEEDS
        ],
    )


def told_truly(far_end: FarEnd, outcome: Outcome) -> None:
    """Assert that an outcome says nothing about this far end that is not true."""
    if far_end.must:
        assert outcome in far_end.may
    elif outcome.reached:
        assert outcome in far_end.may, f"nobody was reached, and the outcome is {outcome}"


@pytest.mark.corpus(one_of=2)
@pytest.mark.memory("no voice says babble, and the seeds would take an hour")
@every(DETECTED)
async def test_no_outcome_tells_of_somebody_who_was_not_reached(
    scene: Scene, far_end: FarEnd, seed: int
) -> None:
    dice = random.Random(f"{far_end.name} {seed}")
    placed, _, record = await scene.place_to(far_end.telephone(dice), "leaves", name="Ann")
    told_truly(far_end, record.outcome)
    assert placed.outcome is record.outcome


@pytest.mark.corpus(one_of=2)
@pytest.mark.memory("no voice says babble, and the seeds would take an hour")
@every(UNDETECTED)
async def test_nor_where_the_persona_talks_to_whatever_answers(
    scene: Scene, far_end: FarEnd, seed: int
) -> None:
    dice = random.Random(f"{far_end.name} {seed}")
    _, _, record = await scene.place_to(far_end.telephone(dice), "talks")
    told_truly(far_end, record.outcome)


@pytest.mark.memory("no voice says babble, and the seeds would take an hour")
@pytest.mark.parametrize("patience", [0.1, 0.3, 2.0])
async def test_nor_of_a_caller_who_was_not_answered(scene: Scene, patience: float) -> None:
    call = await scene.exchange.ring("+15557770001", scene.world.numbers["slow"], patience=patience)
    record = await scene.over(call)
    assert not record.outcome.reached
