"""Who picked up, measured: `python benchmarks/voicemail.py [--only NAME] [--model right|wrong]`.

Plays every opening of `openings.py` as a whole call: a real LiveKit server, a host in a process of
its own, speech through the quality of a telephone line, and a persona that leaves messages. Prints
a confusion matrix, what was done to people, machines, screeners, networks and queues, and when they
heard the first word. The local model stands for an LLM; in a second round it is wrong about
everybody on purpose, so that only the weighing is left to tell. Ends with 1 where a person was hung
up on or read a message.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from textwrap import dedent

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from callee import Callee, Caller, Result, wrong_rules
from openings import CORPUS, Opening

from host.base.errors import HostError
from host.local.phone import Telephone
from host.local.rules import Rule
from host.testing import Scene, open_scene

AT_ONCE = 3
"""Calls at once: mostly waiting, so that two cores keep up."""
CALLER = Caller(
    greeting="Good morning, this is the clinic about the visit of tomorrow.",
    message="This is a message of the clinic. Your visit is tomorrow at three. See you then.",
)
VERDICTS = (
    "human",
    "uncertain",
    "machine-vm",
    "machine-unavailable",
    "machine-ivr",
    "screening",
    "announcement",
)
PERSONA = f'''\
    """Clinic: calls about a visit."""

    from host import LeaveMessage, hookimpl


    @hookimpl
    def instructions(call):
        return "You are the clinic."


    @hookimpl
    def greeting(call):
        return {CALLER.greeting!r}


    @hookimpl
    def voicemail_policy(call):
        return LeaveMessage({CALLER.message!r})
    '''


async def play(openings: Sequence[Opening], rules: Sequence[Rule]) -> list[Result]:
    """Play openings, some at once, and judge each call."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        personas = folder / "personas"
        personas.mkdir()
        (personas / "clinic.py").write_text(dedent(PERSONA))
        environment = {"HOST_PERSONAS_DIR": str(personas)}
        async with open_scene(folder, environment, rules=rules) as scene:
            results: list[Result] = []
            for first in range(0, len(openings), AT_ONCE):
                # The local STT is slower the more sentences it knows.
                scene.world.callers.forget()
                calls = [_call(scene, each) for each in openings[first : first + AT_ONCE]]
                results += await asyncio.gather(*calls)
            return results


async def _call(scene: Scene, opening: Opening) -> Result:
    """Place a call, judge it, and tell at once what was wrong with it."""
    try:
        callee = Callee(opening, CALLER)
        _, call, record = await scene.place_to(Telephone(script=callee), "clinic")
        result = callee.judge(call, record)
    except (AssertionError, TimeoutError, HostError) as error:
        result = Result(opening, "none", False, f"did not come about: {error}")
    print("." if result.right else f"\n{told(result)}\n", end="", flush=True)
    return result


def told(result: Result) -> str:
    """Say what was wrong with a call, and what the verdict was."""
    of = result.opening
    why = f"({result.verdict}: {result.reason})"
    return f"  {of.truth}, {of.name}: {result.fault} {why}"


def report(results: Sequence[Result]) -> None:
    """Print the confusion matrix, and what was done to whom."""
    truths = list(dict.fromkeys(result.opening.truth for result in results))
    count = Counter((result.opening.truth, result.verdict) for result in results)
    verdicts = [*VERDICTS, *sorted({r.verdict for r in results} - set(VERDICTS))]
    print(f"\n{'answered by, was taken for':26}", *(f"{verdict:>19}" for verdict in verdicts))
    for truth in truths:
        print(f"{truth:26}", *(f"{count[truth, verdict] or '.':>19}" for verdict in verdicts))
    for truth, what in (
        ("human", "people neither hung up on nor read a message, and greeted"),
        ("machine-vm", "messages left once and whole, after the beep where there was one"),
        ("machine-unavailable", "mailboxes that take nothing, left alone"),
        ("screening", "screeners answered, and the person greeted, or the call ended"),
        ("announcement", "networks not spoken to, and their news recorded"),
        ("queue", "queues waited for in silence, and the person greeted who came, if one did"),
    ):
        mine = [result for result in results if result.opening.truth == truth]
        if mine:
            print(f"{what}: {sum(result.right for result in mine)} of {len(mine)}")
    for truth in (*truths, "all"):
        mine = [result for result in results if truth in (result.opening.truth, "all")]
        taken = [result.first_word for result in mine if result.first_word is not None]
        if len(taken) > 1:
            median, late = statistics.median(taken), statistics.quantiles(taken, n=20)[-1]
            print(f"seconds to the first word, {truth}: p50 {median:.1f}, p95 {late:.1f}")


def harmed(results: Iterable[Result]) -> list[Result]:
    """The people who were hung up on, or read a message."""
    done = ("was hung up on", "was read a message")
    return [r for r in results if r.opening.truth == "human" and r.fault.startswith(done)]


def main() -> int:
    """Play the corpus with a model that is right, and with one that is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default="", help="play only openings with this in their name")
    parser.add_argument("--model", choices=["right", "wrong"], help="play only this round")
    asked = parser.parse_args()
    openings = [opening for opening in CORPUS if asked.only in opening.name]
    bad = 0
    for model, rules in (("right", []), ("wrong", wrong_rules(openings))):
        if asked.model in (None, model):
            begun = time.monotonic()
            print(f"{len(openings)} openings, the model is {model}: ", end="", flush=True)
            results = asyncio.run(play(openings, rules))
            report(results)
            bad += len(harmed(results))
            print(f"({time.monotonic() - begun:.0f} s)\n")
    print(f"people hung up on or read a message: {bad}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
