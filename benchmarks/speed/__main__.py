"""Speed and cost beside plain livekit-agents and openrtc: `python -m speed [--short]`.

Writes results.json and speed.md with its plots, or with `--short` prints each ratio in under five
minutes. Ends with 1 where a goal is missed. `make bench` runs it.
"""

from __future__ import annotations

import argparse
import asyncio
import faulthandler
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from faults.ground import until_told

from speed import plots, report
from speed.goals import judge, regressed
from speed.plan import FULL, SHORT
from speed.results import TARGETS, Results, joined, read, write
from speed.run import run

HERE = Path(__file__).resolve().parents[1]
RESULTS = HERE / "results.json"
BUILD = HERE.parent / "build" / "speed"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, or write the page anew."""
    parser = argparse.ArgumentParser(prog="speed", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--short", action="store_true", help="what the goals need, in five minutes")
    parser.add_argument("--target", action="append", choices=TARGETS, help="only this one")
    parser.add_argument("--page", type=Path, nargs="+", metavar="RESULTS", help=PAGE)
    asked = parser.parse_args(arguments)
    logging.getLogger("livekit").setLevel(logging.CRITICAL)  # it calls a room's end an error
    logging.getLogger("aiohttp.server").setLevel(
        logging.CRITICAL
    )  # and a reply broken off one, too
    logging.basicConfig(format="  %(message)s")
    faulthandler.enable()  # callers have much native code of LiveKit's in them
    if asked.page:
        return publish(joined(map(read, asked.page)))
    BUILD.mkdir(parents=True, exist_ok=True)
    short = asked.short or bool(asked.target)
    file = BUILD / "results.json" if short else RESULTS
    plan = SHORT if asked.short else FULL
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; logs are in {BUILD}", flush=True)
    work = run(plan, asked.target or list(TARGETS), BUILD, lambda results: write(file, results))
    try:
        results = asyncio.run(until_told(work))
    except (KeyboardInterrupt, asyncio.CancelledError):
        print(f"broken off; what was measured is in {file}")
        return 130
    if short:
        return tell(results)
    return publish(results)


PAGE = "measure nothing: write speed.md from the values of these files, such as of five runs"


def tell(results: Results) -> int:
    """Print the table and each goal."""
    judged = judge(results)
    print("\n".join(report.table(results)), end="\n\n")
    if missing := report.notes(results):
        print("\n".join(missing), end="\n\n")
    print("\n".join(report.lines(judged)))
    print(f"\n{results.took:.0f} s")
    return 1 if regressed(judged) else 0


def publish(results: Results) -> int:
    """Write results.json, the plots and the page, then tell."""
    write(RESULTS, results)
    drawn = True
    try:
        plots.write(results, HERE / "speed")
    except ImportError:
        drawn = False
        print("no plots: pip install -c constraints.txt -e '.[bench]'", file=sys.stderr)
    (HERE / "speed.md").write_text(report.page(results, plots=drawn))
    return tell(results)


if __name__ == "__main__":
    sys.exit(main())
