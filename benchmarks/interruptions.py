"""Words into the persona's speech, measured: `python benchmarks/interruptions.py [--whole]`.

Says each of 20 backchannels and 20 interruptions three seconds into an answer of ten, once with
`ignore_backchannels` and once without. Prints, of the backchannels, how many broke the answer off
and the longest gap that a listener heard; of the interruptions, how many broke it off, and the
milliseconds until it was silent: from their first sound, and after their last (negative: before).

The calls play in memory, on a virtual clock; `--whole` plays them on a real LiveKit server with
speech through the quality of a telephone line, in twenty minutes. Ends with 1 if the host lets a
backchannel break an answer off, or if an interruption takes longer than LIMIT after its last sound.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "tests"))

from in_memory.clock import VirtualClockLoop, virtual_time
from in_memory.world import open_scene as open_memory_scene

from host.local.exchange.recording import HEARD
from host.local.phone import Line, PhoneCall
from host.local.rules import Rule
from host.local.sound import RATE
from host.testing import Scene, heard, open_scene

BACKCHANNELS = (
    *("Okay.", "I see.", "Yeah.", "Yes.", "Right.", "Mm-hmm.", "Uh-huh.", "Sure.", "Got it."),
    *("All right.", "Oh, okay.", "Of course.", "Great.", "Good.", "I understand.", "Exactly."),
    *("Yeah, sure.", "Okay, okay.", "Makes sense.", "That makes sense."),
)
INTERRUPTIONS = (
    *("No.", "No, wait.", "Stop.", "Wait.", "Hold on.", "What?", "Hello?", "Excuse me."),
    *("Okay, stop.", "Okay, but I need something else.", "Yes, I know, stop."),
    *("Right, but how much is it?", "I see a problem there.", "Can you repeat that?"),
    *("That is wrong.", "I want to talk to a person.", "Never mind.", "One moment please."),
    *("Actually, I have a question.", "Sorry, can I ask something?"),
)
GREETING = "What would you like to hear?"
ANSWER = (
    "Once there was a king. He had three daughters, and each was cleverer than the one before, so "
    "that nobody in the whole country dared to ask them anything."
)
RULES = (Rule(hears="long story", says=ANSWER), Rule(says="Please go on."))
PERSONA = f"""
from host import hookimpl

@hookimpl
def instructions(call):
    return "You tell stories."

@hookimpl
def greeting(call):
    return {GREETING!r}
"""
LIMIT = 0.4
"""Seconds after the last word of an interruption in which the persona must be silent."""
INTO = 3.0
"""Seconds of the answer before the words."""
STOPS = 0.4
"""Seconds of silence after which the persona has stopped."""
LOUD = 500
"""Samples above this are speech: the line's noise is below."""


@dataclass(frozen=True)
class Overlap:
    """What came of one utterance; times in seconds from the answer of the call."""

    began: float
    ended: float
    stopped: float
    """When the persona stopped for the first time."""
    gap: float
    """The longest silence from the first word on, up to the end of the answer."""
    broken_off: bool


async def overlap(scene: Scene, words: str) -> Overlap:
    """Say words into an answer."""
    times = [0.0, 0.0, 0.0, 0.0]

    async def talks(line: Line) -> None:
        await line.heard(GREETING)
        await line.say("Tell me a long story.")
        await line.sound()
        await line.wait(INTO)
        times[0] = line.call.since_answer()
        times[1] = times[0] + await line.begin(words)
        await line.silence_for(STOPS)
        times[2] = line.call.media.heard_something_at
        await line.silence_for(3.0)
        times[3] = line.call.media.heard_something_at
        await line.hang_up()

    call = await scene.ring("storyteller", talks)
    await scene.over(call, 60)
    began, ended, stopped, last = times
    whole = any(found.whole for found in heard(call, ANSWER))
    return Overlap(began, ended, stopped, longest_gap(call, began, last), not whole)


def longest_gap(call: PhoneCall, start: float, end: float) -> float:
    """Return the longest silence that a telephone heard in a part of a call, in seconds."""
    samples = call.media.recording.stereo()[round(start * RATE) : round(end * RATE), HEARD]
    longest = since = 0
    for at, sample in enumerate(abs(samples.astype(int))):
        if sample > LOUD:
            since = at + 1
        longest = max(longest, at + 1 - since)
    return longest / RATE


async def measure(scene: Scene) -> tuple[list[Overlap], list[Overlap]]:
    """Say everything, one call after the other."""
    listening = [await overlap(scene, words) for words in BACKCHANNELS]
    return listening, [await overlap(scene, words) for words in INTERRUPTIONS]


async def play(folder: Path, *, ignore: bool, whole: bool) -> tuple[list[Overlap], list[Overlap]]:
    """Bring up a host that ignores backchannels, or does not, and measure it."""
    for kind in ("personas", "plugins"):
        (folder / kind).mkdir()
    (folder / "personas" / "storyteller.py").write_text(PERSONA)
    environment = {
        "HOST_PERSONAS_DIR": str(folder / "personas"),
        "HOST_PLUGINS_DIR": str(folder / "plugins"),
        "HOST_IGNORE_BACKCHANNELS": str(ignore),
    }
    if whole:
        async with open_scene(folder, environment, rules=RULES) as scene:
            return await measure(scene)
    plugin = Path(__file__).resolve().parent.parent / "tests" / "in_memory" / "plugin.py"
    (folder / "plugins" / "in_memory_providers.py").symlink_to(plugin)
    async with open_memory_scene(folder, environment, rules=RULES) as memory_scene:
        return await measure(memory_scene)


def run(*, ignore: bool, whole: bool) -> tuple[list[Overlap], list[Overlap]]:
    """Measure in real or in virtual time."""
    with tempfile.TemporaryDirectory() as folder:
        measuring = play(Path(folder), ignore=ignore, whole=whole)
        if whole:
            return asyncio.run(measuring)
        loop = VirtualClockLoop()
        with asyncio.Runner(loop_factory=lambda: loop) as runner, virtual_time(loop):
            return runner.run(measuring)


def report(name: str, listening: Sequence[Overlap], interrupting: Sequence[Overlap]) -> bool:
    """Print a row; return whether it is as promised."""
    broken = sum(each.broken_off for each in listening)
    from_first = [each.stopped - each.began for each in interrupting]
    after_last = [each.stopped - each.ended for each in interrupting]
    stopped = sum(each.broken_off for each in interrupting)
    gaps = [each.gap for each in listening if not each.broken_off]
    longest = f"{max(gaps) * 1000:.0f} ms" if gaps else "-"
    print(
        f"| {name} | {broken} of {len(listening)} | {longest} | {stopped} of {len(interrupting)} | "
        f"{statistics.median(from_first) * 1000:.0f} ms | {max(from_first) * 1000:.0f} ms | "
        f"{max(after_last) * 1000:.0f} ms |"
    )
    return not broken and stopped == len(interrupting) and max(after_last) <= LIMIT


def main() -> int:
    """Measure both settings, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--whole", action="store_true", help="whole calls, with real speech")
    whole = parser.parse_args().whole
    print(
        "| `ignore_backchannels` | backchannels that broke the answer off | longest gap of others "
        "| interruptions that did | silent after their first sound, median | longest "
        "| longest after their last |"
    )
    print("|---|---|---|---|---|---|---|")
    as_promised = report("true", *run(ignore=True, whole=whole))
    report("false", *run(ignore=False, whole=whole))
    return not as_promised


if __name__ == "__main__":
    sys.exit(main())
