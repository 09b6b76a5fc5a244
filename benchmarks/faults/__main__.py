"""Faults, tried: `python -m faults [--only NAME] [--arm host|plain] [--tries N]`.

Breaks live calls in every way that can be tried on one machine, on this host and on a plain
livekit-agents worker with the same persona, and writes faults.md. Each try is written into
faults.jsonl at once: a run that was broken off goes on where it stopped.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import platform
import shutil
import sys
import time
from collections import Counter
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import aiohttp
import psutil
from livekit import api

from faults.callers import Bystanders, NotReady
from faults.catalogue import FAULTS, Fault
from faults.ground import open_ground, until_told
from faults.report import ARMS, harm, report
from faults.rounds import Stage
from faults.tries import Session, Try, missing, read, write
from host.local.livekit import VERSION
from host.local.phone import HungUp

FILE = Path(__file__).resolve().parent.parent / "faults.jsonl"
LOGS = Path(__file__).resolve().parents[2] / "build" / "faults"
VOID = 5
"""Rounds that may not come about before a fault is given up."""
VOIDED = (NotReady, HungUp, TimeoutError, OSError, aiohttp.ClientError, api.ServerError)
"""What goes wrong around a fault, where nothing can be said of the fault itself."""
ROUND = 300.0
"""Seconds that a round may take."""


async def play(arm: str, fault: Fault, wanted: int) -> None:
    """Make the tries of a fault that are not written down yet."""
    folder = LOGS / f"{arm}-{fault.name}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    began, start = datetime.now().isoformat(timespec="seconds"), time.monotonic()
    made: list[Try] = []
    async with open_ground(arm, folder, fault.settings) as ground:
        stage = Stage(ground, fault.name, Bystanders(ground, []), len(_of(arm, fault)))
        while missing(read(FILE)[0], arm, fault.name, wanted) and stage.void < VOID:
            made += await _round(stage, fault, wanted)
        if stage.bystanders.callers:
            await ground.clear(stage.bystanders.calls)
    took = round(time.monotonic() - start, 1)
    write(FILE, Session(arm, fault.name, began, took, machine(), versions(), stage.void))
    verdicts = ", ".join(f"{n} {what}" for what, n in Counter(t.verdict for t in made).items())
    print(
        f"{arm:6}{fault.name:18}{verdicts}; others harmed: {harm(made)} ({took:.0f} s)", flush=True
    )


async def _round(stage: Stage, fault: Fault, wanted: int) -> list[Try]:
    """Play one round and write it down; one whose calls do not come about is void."""
    left = wanted - stage.made
    try:
        made = await asyncio.wait_for(fault.play(stage, left), ROUND)
    except VOIDED as error:
        print(f"  void: {type(error).__name__} {error}", flush=True)
        stage.void += 1
        await stage.ground.clear(stage.bystanders.calls)
        stage.bystanders.callers = []
        await stage.ground.restart()
        return []
    for one in made:
        write(FILE, one)
    stage.made += len(made)
    return made


def _of(arm: str, fault: Fault) -> list[Try]:
    return [one for one in read(FILE)[0] if (one.arm, one.fault) == (arm, fault.name)]


def machine() -> str:
    """Name the machine, as far as it matters."""
    cores, memory = psutil.cpu_count(), psutil.virtual_memory().total / 1024**3
    return f"{platform.system()} {platform.machine()}, {cores} cores, {memory:.0f} GB"


def versions() -> str:
    """Name what was measured."""
    return (
        f"livekit-agents {version('livekit-agents')}, livekit {version('livekit')}, "
        f"livekit-server {VERSION}, Python {platform.python_version()}"
    )


def write_report() -> None:
    """Write the page from what there is."""
    tries, sessions = read(FILE)
    titles = {fault.name: fault.title for fault in FAULTS.values()}
    FILE.with_suffix(".md").write_text(report(tries, sessions, titles))


def main() -> int:
    """Make the tries that are missing, and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", choices=sorted(FAULTS), help="only this fault")
    parser.add_argument("--arm", choices=sorted(ARMS), help="only this worker")
    parser.add_argument("--tries", type=int, help="so many tries of each, not as many as it wants")
    parser.add_argument("--report", action="store_true", help="only write the page anew")
    asked = parser.parse_args()
    logging.getLogger("livekit").setLevel(logging.CRITICAL)  # it calls a room's end an error
    for name in () if asked.report else asked.only or FAULTS:
        for arm in ARMS:
            fault = FAULTS[name]
            wanted = asked.tries or fault.wanted(arm)
            if asked.arm in (None, arm) and missing(read(FILE)[0], arm, name, wanted):
                try:
                    asyncio.run(until_told(play(arm, fault, wanted)))
                except RuntimeError as error:  # the worker did not start
                    print(f"{arm:6}{name:18}given up: {error}", flush=True)
                except (KeyboardInterrupt, asyncio.CancelledError):
                    print("broken off; what was tried is kept, and the next run goes on with it")
                    return 130
                write_report()
    write_report()
    return 0


if __name__ == "__main__":
    sys.exit(main())
