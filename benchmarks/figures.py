"""What parts of the host take, in time and memory: `python benchmarks/figures.py [PART ...]`.

The parts: metadata, desk, masking, list, api, collector, watchers, lifeline; without a name, all of
them, in a minute. What is fed to them, such as hostile metadata and texts that are slow to mask, is
that of `tests/`, which hold what becomes of it. Here it is only measured, and nothing fails. Where
nothing is waited for, times are processor time of the thread: a busy machine does not count.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import fcntl
import gc
import logging
import math
import os
import socket
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest import mock

import aiohttp
import psutil

sys.path.insert(1, str(Path(__file__).resolve().parent.parent))
sys.path.insert(2, str(Path(__file__).resolve().parent.parent / "tests"))

import api_client
from deployment import Deployment
from hostile import LONGEST, attacks, malformed, refusal, with_personas
from live_calls import joined
from offers import LiveKit, a_desk, decided
from sample_calls import a_call_with_a_job
from slow_to_mask import SLOW
from stored import a_record
from watched_room import WatchedRoom

from host.base.errors import HostError, MetadataError
from host.call.metadata import read_metadata
from host.compliance import DoNotCall
from host.dispatch.rooms import notify_watchers
from host.privacy import Mask, mask_words
from host.server import admission as desk_module
from host.server.api import guard
from host.server.api.server import answering_api
from host.server.heartbeat_monitor import HeartbeatMonitor, WatchedCall
from host.settings import Settings
from plugins import traces

COUNT = 1000
"""Attacks that are made on metadata and desk."""
ROUNDS = 3
"""How often the desk is offered all of them again, while the memory of the process is looked at."""
NUMBERS = 1_000_000
"""Numbers on the do-not-call list."""
ANN = "+12125550101"


def show(what: str, figures: str) -> None:
    """Print one line."""
    print(f"  {what:<62}{figures}", flush=True)


def spread(seconds: Iterable[float]) -> str:
    """Say the median of some times, their 99th percentile and the longest."""
    taken = sorted(1000 * each for each in seconds)
    p99 = taken[math.ceil(len(taken) * 0.99) - 1]
    return f"median {statistics.median(taken):.3f}   p99 {p99:.3f}   longest {taken[-1]:.3f} ms"


def seconds_of(work: Callable[..., object], *given: object) -> float:
    """Time work by the processor time of this thread."""
    begun = time.thread_time()
    work(*given)
    return time.thread_time() - begun


async def seconds_of_all(work: Awaitable[object]) -> float:
    """Time work by the clock, whatever it waits for."""
    begun = time.perf_counter()
    await work
    return time.perf_counter() - begun


@contextlib.contextmanager
def deployed() -> Iterator[Deployment]:
    """Have an empty deployment for a while."""
    before, environment = Path.cwd(), dict(os.environ)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield Deployment(Path(folder))
        finally:
            os.chdir(before)
            os.environ.clear()
            os.environ.update(environment)


@contextlib.contextmanager
def counting_bytes() -> Iterator[Callable[[], int]]:
    """Count what Python keeps of the work in the block; give what tells it."""
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()

        def kept() -> int:
            gc.collect()  # JSON's decoders are in cycles: how many wait to be collected is chance
            return tracemalloc.get_traced_memory()[0] - before

        yield kept
    finally:
        tracemalloc.stop()


def metadata() -> None:
    """Refuse hostile metadata: read it, choose a persona, have that parse it."""
    with deployed() as deployment:
        loaded = with_personas(deployment)
        every = list(attacks(COUNT))
        for attack in every:  # what is made once is made
            refusal(loaded, attack)
        took = [seconds_of(refusal, loaded, attack) for attack in every]
        show(f"one of {COUNT} attacks is refused in", spread(took))
        with counting_bytes() as kept:
            for attack in every:
                refusal(loaded, attack)
            show(f"kept of {COUNT} attacks", f"{kept() / 1024:.1f} KiB")
    show("one of the longest is refused in", spread(seconds_of(_refused, text) for text in LONGEST))


def _refused(text: str) -> None:
    with contextlib.suppress(MetadataError):
        read_metadata(text)


def admission() -> None:
    """Offer the desk jobs with metadata that is no call."""
    for full in (False, True):
        asyncio.run(_offered_jobs(full=full))


async def _offered_jobs(*, full: bool) -> None:
    async def lost(live: WatchedCall) -> None:
        raise NotImplementedError

    livekit, every = LiveKit(), malformed(COUNT)
    asked = a_desk(HeartbeatMonitor(lost), livekit, full=full)

    async def offer_all() -> list[float]:
        took = []
        for at, attack in enumerate(every):
            request = livekit.request(attack, at)
            begun = time.thread_time()
            await decided(asked, request)
            took.append(time.thread_time() - begun)
        return took

    with (
        mock.patch.object(desk_module, "mark_taken", livekit.mark_taken),
        mock.patch.object(desk_module, "end_room", livekit.end_room),
        silent(),
    ):
        await offer_all()  # what is made once is made
        sizes, took = [_resident()], []
        for _ in range(ROUNDS):
            took += await offer_all()
            sizes.append(_resident())
        how = "a full desk" if full else "a free desk"
        show(f"{how} decides one of {COUNT} in", spread(took))
        grown = ", ".join(f"{(b - a) / 1024:+.0f}" for a, b in pairwise(sizes))
        show(f"{how}: each {COUNT} make the process grow by", f"{grown} KiB")
        with counting_bytes() as kept:
            await offer_all()
            show(f"{how}: kept of {COUNT}", f"{kept() / 1024:.1f} KiB")


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """Have nothing logged by the host."""
    log = logging.getLogger("host")
    log.disabled = True
    try:
        yield
    finally:
        log.disabled = False


def _resident() -> int:
    gc.collect()
    return int(psutil.Process().memory_info().rss)


def masking() -> None:
    """Mask texts that are made to be slow to mask."""
    mask = Mask()
    for what, mask_it in (("numbers and secrets", mask), ("words", mask_words)):
        took = [(seconds_of(mask_it, text), text) for text in SLOW]
        show(f"{what} of one of {len(SLOW)} slow texts are masked in", spread(s for s, _ in took))
        longest, text = max(took)
        show("  the slowest", f"{len(text)} characters, {ascii(text[:12])}... : {longest:.3f} s")


def do_not_call() -> None:
    """Look a number up in a long do-not-call list, and in one that somebody keeps locked."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "list.txt"
        numbers = (f"+1{300 + at // 10_000}555{at % 10_000:04}" for at in range(NUMBERS))
        file.write_text("\n".join(numbers) + "\n")
        took = [seconds_of(DoNotCall(file).has, ANN) for _ in range(3)]
        show(f"a number is looked up among {NUMBERS:,} in", f"{min(took):.2f} to {max(took):.2f} s")
        with file.open("a") as editor:
            fcntl.flock(editor, fcntl.LOCK_EX)
            begun = time.perf_counter()
            with contextlib.suppress(HostError):
                DoNotCall(file).has(ANN)
            waited = time.perf_counter() - begun
            show("a list that stays locked is given up after", f"{waited:.2f} s")


def api() -> None:
    """Send the API far more than it listens to, and stop it with a slow client."""
    with deployed() as deployment:
        deployment.persona("ann")
        asyncio.run(_flooded())


async def _flooded() -> None:
    chunks = b"1\r\nx\r\n" * 200_000
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    async with (
        api_client.a_livekit() as livekit,
        aiohttp.ClientSession() as http,
        contextlib.AsyncExitStack() as host,
    ):
        host.enter_context(mock.patch.object(guard, "BODY_TIME", 0.5))
        settings = api_client.settings_for(livekit, api_port=port)
        await host.enter_async_context(answering_api(settings, lambda: None))
        client = api_client.Client(f"http://127.0.0.1:{port}", http, livekit)
        for who, token, clients in (
            ("3 clients", api_client.TOKEN, 3),
            ("50 strangers", "a-stranger", 50),
        ):
            sent = [api_client.head(None, token=token), chunks]
            flood = asyncio.gather(*(api_client.raw(client, *sent) for _ in range(clients)))
            stop = await longest_stop(flood)
            show(f"{who} send {len(chunks) / 1e6:.1f} MB each: the host stops for", f"{stop:.3f} s")
        slow = asyncio.create_task(api_client.raw(client, api_client.head(100), b"{"))
        await asyncio.sleep(0)
        seconds = await seconds_of_all(host.aclose())
        show("the API stops, though a client is slow, in", f"{seconds:.2f} s")
        await asyncio.gather(slow, return_exceptions=True)


async def longest_stop(doing: Awaitable[object]) -> float:
    """Give the seconds for which this loop, which is the host's too, did nothing else meanwhile."""
    longest, task = 0.0, asyncio.ensure_future(doing)
    while not task.done():
        begun = time.perf_counter()
        await asyncio.sleep(0.005)
        longest = max(longest, time.perf_counter() - begun - 0.005)
    await task
    return longest


def collector() -> None:
    """End a call whose spans no collector takes."""
    for what, listens in (("is not there", False), ("never answers", True)):
        with socket.socket() as mute, silent():
            mute.bind(("127.0.0.1", 0))
            endpoint = f"http://127.0.0.1:{mute.getsockname()[1]}"
            if listens:
                mute.listen()  # connections are taken by the kernel, and nobody answers
            seconds = asyncio.run(_ended(endpoint))
        show(f"a call whose collector {what} waits in its end for", f"{seconds:.2f} s")


async def _ended(endpoint: str) -> float:
    call = a_call_with_a_job(Settings(plugins={"traces": {"endpoint": endpoint}}))
    return await seconds_of_all(traces.call_ended(call=call.call, record=a_record()))


def watchers() -> None:
    """Tell whoever watches a call how it stands, through LiveKit, which may not answer."""
    for unanswered, what in ((0, "answers"), (1, "answers the second time"), (99, "never does")):
        room: Any = WatchedRoom(unanswered)
        seconds = asyncio.run(seconds_of_all(notify_watchers(room, {"host.outcome": "busy"})))
        show(f"watchers are told, where LiveKit {what}, in", f"{seconds:.2f} s")


def heartbeat() -> None:
    """Kill the process of a call."""
    asyncio.run(_killed())


async def _killed() -> None:
    lost: asyncio.Queue[WatchedCall] = asyncio.Queue()
    took = []
    async with HeartbeatMonitor(lost.put).listening() as lines:
        for at in range(5):
            process = await joined(lines, "pass", f"AJ_{at}")
            begun = time.perf_counter()
            process.kill()
            await lost.get()
            took.append(time.perf_counter() - begun)
            process.communicate()
    show("a killed process is noticed after", spread(took))


PARTS: dict[str, Callable[[], None]] = {
    "metadata": metadata,
    "desk": admission,
    "masking": masking,
    "list": do_not_call,
    "api": api,
    "collector": collector,
    "watchers": watchers,
    "lifeline": heartbeat,
}


def main(asked: Sequence[str]) -> None:
    """Print the figures."""
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    for name in asked or PARTS:
        print(f"{name}: {(PARTS[name].__doc__ or '').strip()}")
        PARTS[name]()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("part", nargs="*", choices=[[], *PARTS], default=[])
    main(parser.parse_args().part)
