"""The order of a run: each target alone, for what it uses; then all together, for what is heard.

Memory is measured alone, because programs of other targets that are loaded at the same time would
count in part only. What is heard is measured with all targets up and their calls interleaved, so
that noise hits all of them alike.
"""

from __future__ import annotations

import asyncio
import platform
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from host.local.livekit import VERSION, LiveKitServer
from host.local.sound import RATE
from host.local.speech import speak
from speed import sound, targets, usage, words
from speed.bench import TROUBLE, Bench, rest
from speed.figures import blocked, first_word, gone, load, reply
from speed.plan import Plan, rotated
from speed.providers import Providers
from speed.results import Results

REPLACED = 5.0
"""Seconds to wait at most until memory is steady after calls."""
PACKAGES = ("livekit-agents", "livekit", "openrtc")


async def run(
    plan: Plan, names: Sequence[str], folder: Path, keep: Callable[[Results], None]
) -> Results:
    """Measure everything of a plan; `keep` gets the results so far, again and again."""
    results = empty(plan)
    begun = time.monotonic()

    def save() -> None:
        results.took = time.monotonic() - begun
        keep(results)

    there = [name for name in names if name not in results.unavailable]
    async with (
        LiveKitServer(log=folder / "livekit-server.log") as livekit,
        Providers() as providers,
    ):
        question = sound.trimmed(await speak(words.QUESTION, RATE))
        bench = Bench(plan, livekit, providers, results, folder, question)
        for at in range(plan.rounds):
            for name in rotated(there, at):
                await _alone(bench, name, at)
                save()
            for count in sorted({count for counts in plan.personas.values() for count in counts}):
                for name in rotated(there, at):
                    if count in plan.personas.get(name, ()):
                        await _idle(bench, name, count, at)
                        save()
        await _together(bench, there, save)
    save()
    return results


def empty(plan: Plan) -> Results:
    """Return results without values, with the machine and the versions."""
    cores, memory = psutil.cpu_count(), psutil.virtual_memory().total / 1024**3
    machine = f"{platform.system()} {platform.machine()}, {cores} cores, {memory:.0f} GB"
    found = {"livekit-server": VERSION, "Python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    began = datetime.now().isoformat(timespec="seconds")
    results = Results(machine, found, began, plan.name == "short")
    results.unavailable = targets.unavailable()
    return results


async def _alone(bench: Bench, name: str, at: int) -> None:
    """Measure what one target uses, and what its personas do to each other."""
    target = targets.make(name, bench.livekit, bench.providers, bench.folder)
    try:
        async with target:
            idle = await usage.steady_memory(target.pids)
            bench.results.add("idle memory", name, idle, 1, at)
            for calls in bench.plan.calls:
                work = load.measure(bench, target, calls, idle, at)
                await bench.tried(work, "burst", name, calls)
                # A worker replaces the processes of the calls that are over.
                await usage.steady_memory(target.pids, REPLACED)
            for _ in range(bench.plan.blocked):
                await bench.tried(blocked.measure(bench, target, at), "blocked gap", name)
                await rest()
    except TROUBLE as error:  # it does not start, or not end
        bench.results.miss("idle memory", name, str(error), 1)


async def _idle(bench: Bench, name: str, personas: int, at: int) -> None:
    target = targets.make(name, bench.livekit, bench.providers, bench.folder, personas)
    try:
        async with target:
            memory = await usage.steady_memory(target.pids)
            bench.results.add("idle memory", name, memory, personas, at)
    except TROUBLE as error:
        bench.results.miss("idle memory", name, str(error), personas)


async def _together(bench: Bench, names: Sequence[str], save: Callable[[], None]) -> None:
    """Measure what callers hear of all targets."""
    async with AsyncExitStack() as up:
        made = [targets.make(n, bench.livekit, bench.providers, bench.folder) for n in names]
        started = await asyncio.gather(*map(up.enter_async_context, made), return_exceptions=True)
        ready = []
        for target, outcome in zip(made, started, strict=True):
            if isinstance(outcome, BaseException):
                bench.results.miss("first word", target.name, str(outcome))
            else:
                ready.append(target)
        await asyncio.gather(*(usage.steady_memory(target.pids) for target in ready))
        await first_word.measure(bench, ready)
        save()
        for setting in bench.plan.endpointing:
            await reply.measure(bench, ready, setting)
            save()
        for at in range(bench.plan.gone):
            await gone.measure(bench, ready, at)
        save()
