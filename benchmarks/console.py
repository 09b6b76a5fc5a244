"""What the console takes: `python benchmarks/console.py [--records 10000] [--calls 100]`.

First, each page of a host with so many records, and a campaign of as many rows, is asked for in
this process, without a socket: the processor time that the server takes, of the first request and
the median of five more. Then one page of live calls and one of a single call stay open in a process
of their own, while calls go on in another one: each says something every few seconds, writes its
checkpoint and tells of it, as a call's process does. Printed is the processor time of this process,
which has the console and nothing else of the host. Ends with 1 where a page takes 200 ms, or the
open pages 5 % of a core.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(1, str(Path(__file__).resolve().parent.parent / "tests"))

import aiohttp
from console_client import NOW, TOKEN, Browser, a_browser, a_record
from deployment import Deployment

from host.base.processes import this_process
from host.call.state import CallState
from host.dispatch.campaigns import Attempt, Campaign, Row, Step, open_campaigns
from host.records.cost import Cost
from host.records.outcome import Outcome
from host.records.record import Utterance
from host.runner.checkpoint import Checkpoint, CheckpointStore
from host.runner.event_line import EventLine
from host.server.console.server import answering_console
from host.server.events import Changes, receiving
from host.settings import load_settings

HERE = Path(__file__).resolve()
PAGE_LIMIT, SHARE_LIMIT = 0.2, 0.05
"""Seconds of a page, and the share of a core."""
SECONDS = 30.0
SPEAKS_EVERY = 4.0
"""Seconds between two utterances of one call."""
LINES = 40
"""Utterances of a call when the measurement begins."""
TOML = '[prices]\ncurrency = "USD"\n[prices.line]\ninbound = 0.01\n'


def said(nth: int) -> Utterance:
    return Utterance(at=NOW, who="caller", text=f"This is sentence {nth} of a longer talk.")


def fill(browser: Browser, records: int) -> None:
    """Have a call log, and a campaign."""
    lines = [said(nth) for nth in range(20)]
    cost = Cost(currency="USD", total=0.05)
    browser.write(*(a_record(nth, transcript=lines, cost=cost) for nth in range(records, 0, -1)))
    rows = []
    for line in range(2, records + 2):
        call = Attempt(
            number=1, host="me", begun_at=NOW, call=f"AJ_{line:06}", outcome=Outcome.COMPLETED
        )
        row = Row(line=line, number=f"+1555{line:07}", details={"name": "Ann"}, reference="L-1")
        if line % 2:
            row.step, row.attempts = Step.DONE, [call]
        rows.append(row)
    campaign = Campaign(id="c0ffee", name="rows.csv", persona="ann", made_at=NOW)
    open_campaigns(browser.settings).add(campaign, rows)


async def measure_pages(browser: Browser, records: int) -> bool:
    """Print what each page takes; return whether one takes too long."""
    browser.console.index.rows("SELECT 1", {})  # as at the start of the host
    middle = f"AJ_{records // 2:06}"
    [(at, id)] = browser.console.index.rows(
        "SELECT at, id FROM calls WHERE id = :id", {"id": middle}
    )
    print(f"{records} records: milliseconds of the processor for a page, first and median of 5")
    slow = False
    for path, query in (
        ("/calls", {}),
        ("/calls", {"before": f"{at:.6f}~{id}"}),
        ("/calls", {"words": "sentence"}),
        ("/calls", {"words": "zebra"}),
        ("/calls", {"number": "+1…01"}),
        (f"/calls/AJ_{records:06}", {}),
        ("/figures", {"period": "24h"}),
        ("/figures", {"period": "30d"}),
        ("/live", {}),
        ("/personas", {}),
        ("/gate", {}),
        ("/campaigns", {}),
        ("/campaigns/new", {}),
        ("/campaigns/c0ffee", {}),
        ("/campaigns/c0ffee", {"state": "done", "after": str(records // 2)}),
    ):
        times = []
        for _ in range(6):
            begun = time.process_time()
            await browser.page(path, **query)
            times.append(time.process_time() - begun)
        first, median = times[0], statistics.median(times[1:])
        slow |= median >= PAGE_LIMIT
        shown = " ".join((path, *(f"{name}={value}" for name, value in query.items())))
        print(f"  {shown:50} {1000 * first:6.0f} {1000 * median:6.0f}")
    return slow


async def talk(calls: int) -> None:
    """Have live calls: in a process of its own."""
    store, here = CheckpointStore(load_settings().state_dir), asdict(this_process())

    async def one(nth: int) -> None:
        line, lines = EventLine(f"AJ_{nth}"), [said(at) for at in range(LINES)]
        await line.connect()
        await asyncio.sleep(SPEAKS_EVERY * nth / calls)
        while True:
            lines.append(said(len(lines)))
            state = CallState(
                id=f"AJ_{nth}", room=f"room-{nth}", persona="ann", number=f"+1555222{nth:04}",
                answered_at=NOW, transcript=lines,
            )  # fmt: skip
            store.put(Checkpoint(**here, state=state))
            facts = {"id": state.id, "persona": "ann", "who": "caller", "text": lines[-1].text}
            line.tell("call.transcript", lines[-1].at, facts)
            line.tell_change()
            await asyncio.sleep(SPEAKS_EVERY)

    await asyncio.gather(*(one(nth) for nth in range(calls)))


async def look(address: str) -> None:
    """Have two pages open, as a browser has them: in a process of its own."""
    jar = aiohttp.CookieJar(unsafe=True)  # also for an address without a name
    timeout = aiohttp.ClientTimeout(total=None)
    async with aiohttp.ClientSession(address, cookie_jar=jar, timeout=timeout) as http:
        async with http.post("/login", data={"token": TOKEN}) as answer:
            assert answer.status == 200

        async def page(events: str, part: str) -> None:
            async with http.get(events) as stream:
                async for line in stream.content:
                    if line.startswith(b"data:"):
                        async with http.get(part, headers={"HX-Request": "true"}) as answer:
                            assert answer.status == 200, await answer.text()
                            await answer.read()

        await asyncio.gather(
            page("/live/events", "/live/list"), page("/live/AJ_1/events", "/live/AJ_1/now")
        )


@asynccontextmanager
async def running(*words: str) -> AsyncIterator[None]:
    """Have a process of this file inside the block."""
    process = subprocess.Popen([sys.executable, str(HERE), *words])
    try:
        yield
    finally:
        process.kill()
        process.wait()


class _Address(logging.Handler):
    """Hears where the console is."""

    found = ""

    def emit(self, record: logging.LogRecord) -> None:
        if address := re.search(r"the console at (\S+)", record.getMessage()):
            self.found = address[1]


async def measure_live(deployment: Deployment, calls: int) -> bool:
    """Print what open pages take while calls go on; return whether it is too much."""
    settings, changes, address = load_settings(), Changes(), _Address()
    settings.call_log.unlink()  # indexing it would count
    log = logging.getLogger("host")
    log.setLevel(logging.INFO)
    log.addHandler(address)
    async with (
        receiving(None, changes),
        answering_console(settings, deployment.load(), changes=changes),
        running("--talk", str(calls)),
    ):
        await asyncio.sleep(SPEAKS_EVERY + 4)  # all have begun
        none = await _share(changes)
        async with running("--look", address.found):
            await asyncio.sleep(3)
            open = await _share(changes)
    print(f"{calls} live calls that change {open[1]:.0f} times a second:")
    print(f"  no page open:            {100 * none[0]:5.2f} % of a core")
    print(f"  the list and one call:   {100 * open[0]:5.2f} % of a core")
    return open[0] >= SHARE_LIMIT


async def _share(changes: Changes) -> tuple[float, float]:
    """Return the share of a core that this process takes, and how often something changes."""
    busy, begun, number = time.process_time(), time.monotonic(), changes.number
    await asyncio.sleep(SECONDS)
    passed = time.monotonic() - begun
    return (time.process_time() - busy) / passed, (changes.number - number) / passed


async def measure(records: int, calls: int) -> bool:
    """Measure both; return whether something takes too much."""
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        deployment = Deployment(Path(folder))
        deployment.persona("ann")
        async with a_browser(deployment, TOML) as browser:
            await browser.sign_in()
            fill(browser, records)
            slow = await measure_pages(browser, records)
        busy = await measure_live(deployment, calls)
        os.chdir("/")
    return slow or busy


def main() -> int:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--calls", type=int, default=100)
    parser.add_argument("--talk", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--look", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.talk or given.look:
        asyncio.run(talk(given.talk) if given.talk else look(given.look))
        return 0
    return int(asyncio.run(measure(given.records, given.calls)))


if __name__ == "__main__":
    raise SystemExit(main())
