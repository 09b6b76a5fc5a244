"""The benchmark of faults: what it reads out of recordings and tries. Its calls are no tests."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import aiohttp
import numpy as np
import pytest
from aiohttp import web
from faults.ground import until_told
from faults.leftovers import Sample, processes_of_group, slope
from faults.measure import first_sound, longest_silence
from faults.report import harmed, notes, report, row, share, totals, upper_limit
from faults.tries import Other, Session, Try, Verdict, missing, read, write
from faults.wire import Wire
from faults.workers import Worker

from host.local.sound import Samples, silence, tone

pytestmark = pytest.mark.processes


def sounds(*parts: Samples) -> Samples:
    return np.concatenate(parts)


def a_try(**facts: object) -> Try:
    given = {"arm": "host", "fault": "kill", "seed": "1/kill/0", "verdict": Verdict.TOLD, **facts}
    return Try(**given)  # type: ignore[arg-type]


def test_the_longest_silence_of_a_window() -> None:
    heard = sounds(tone(440, 1.0), silence(0.5), tone(440, 1.0), silence(2.0), tone(440, 1.0))
    assert longest_silence(heard, 0.0, 5.5) == pytest.approx(2.0, abs=0.05)
    assert longest_silence(heard, 0.0, 2.4) == pytest.approx(0.5, abs=0.05)
    assert longest_silence(heard, 0.2, 0.8) == 0.0


def test_what_lies_beyond_a_recording_is_silence() -> None:
    assert longest_silence(tone(440, 1.0), 0.0, 4.0) == pytest.approx(3.0, abs=0.05)
    assert longest_silence(silence(0.0), 1.0, 3.0) == pytest.approx(2.0, abs=0.05)
    assert longest_silence(tone(440, 1.0), 3.0, 3.0) == 0.0


def test_the_first_sound_after_a_moment() -> None:
    heard = sounds(tone(440, 1.0), silence(2.0), tone(440, 1.0))
    assert first_sound(heard, 0.5, 4.0) == pytest.approx(0.5, abs=0.03)
    assert first_sound(heard, 1.2, 4.0) == pytest.approx(3.0, abs=0.03)
    assert first_sound(heard, 1.2, 2.5) is None


def test_tries_come_back_from_the_file_as_they_were(tmp_path: Path) -> None:
    file = tmp_path / "faults.jsonl"
    one = a_try(hang_up=2.5, others=(Other(0.1, 0.2), Other(0.0, 0.0, ended=True)))
    session = Session("host", "kill", "2026-11-23T10:00:00", 60.0, "a machine", "versions")
    write(file, one)
    write(file, session)
    file.write_text(file.read_text() + '{"is": "Try", "arm"')  # it broke off while it wrote
    assert read(file) == ([one], [session])


def test_a_broken_run_goes_on_where_it_stopped() -> None:
    tries = [a_try(), a_try(), a_try(arm="plain"), a_try(fault="spin")]
    assert missing(tries, "host", "kill", 20) == 18
    assert missing(tries, "plain", "spin", 3) == 3
    assert missing(tries, "host", "kill", 2) == 0


def test_another_call_is_harmed_by_a_gap_that_no_window_without_the_fault_had() -> None:
    quiet = a_try(others=(Other(0.02, 0.0), Other(0.3, 0.1)))
    late = a_try(others=(Other(0.0, 0.39), Other(0.0, 0.41)))
    over = a_try(others=(Other(0.0, 0.0, ended=True),))
    assert harmed([quiet]) == 0
    assert harmed([quiet, late]) == 1
    assert harmed([quiet, late, over]) == 2


def test_nothing_in_twenty_tries_is_no_proof_of_never() -> None:
    assert upper_limit(20) == pytest.approx(0.15)
    assert share(0, 20) == "0 of 20 (95 % limit 15.0%)"
    assert share(2, 20) == "2 of 20"
    assert upper_limit(1) == 1.0


def test_a_row_tells_what_became_of_the_calls() -> None:
    tries = [
        a_try(hang_up=2.0, word=1.0, silence=0.9),
        a_try(hang_up=4.0, silence=3.5, verdict=Verdict.HUNG_UP),
        a_try(silence=25.0, verdict=Verdict.LEFT, room_left=True, others=(Other(0.0, 0.0),)),
    ]
    assert row("kill -9", "host", tries) == (
        "| kill -9 | the host | 3 | 1 told, 1 hung up, 1 left hanging | 1 "
        "| 25.0 | 1.0 / 1.0 | 3.0 / 4.0 | 1 | 0 of 1 |"
    )
    assert row("kill -9", "host", []) == ""


def test_what_else_was_seen_is_counted() -> None:
    tries = [
        a_try(note="1 dial"),
        a_try(note="1 dial"),
        a_try(),
        a_try(arm="plain", note="9 dials"),
    ]
    assert notes(tries, {"kill": "Equal requests", "spin": "A loop"}) == (
        "Also seen:\n- Equal requests, the host: 1 dial (2 times)\n"
        "- Equal requests, plain livekit-agents: 9 dials (1 times)"
    )
    assert notes([a_try()], {"kill": "Equal requests"}) == ""


def test_the_page_has_both_arms_and_what_must_be_zero() -> None:
    tries = [
        a_try(others=(Other(0.02, 0.04),) * 4, silence=1.0),
        a_try(arm="plain", verdict=Verdict.LEFT, others=(Other(0.06, 0.08),) * 4),
    ]
    session = Session("host", "kill", "2026-11-23T10:00:00", 90.0, "2 cores", "agents 1.8.9", 1)
    page = report(tries, [session], {"kill": "A killed process", "spin": "A loop"})
    assert "| A killed process | the host | 1 |" in page
    assert "| A killed process | plain livekit-agents | 1 |" in page
    assert "A loop" not in page
    assert "the host: 40 ms in the seconds after the kill, 20 ms in as many before it" in page
    assert "2 cores. agents 1.8.9." in page
    assert "1 rounds whose calls did not come about" in page
    assert totals(tries)[1].startswith("plain livekit-agents: left hanging, lost or twice 1 of 1;")


def samples(grows: float, minutes: int) -> list[Sample]:
    """The parent's memory, with some noise, a look every five seconds."""
    noise = np.random.default_rng(1).normal(0, 1, minutes * 12)
    at = np.arange(minutes * 12) * 5.0
    return [Sample(a, 200 + grows * a / 3600 + n, 30, 4) for a, n in zip(at, noise, strict=True)]


def test_memory_that_grows_is_told_from_memory_that_does_not() -> None:
    leaks, flat = slope(samples(60.0, 60)), slope(samples(0.0, 60))
    assert leaks is not None
    assert flat is not None
    assert leaks.low > 50
    assert leaks.high < 70
    assert flat.low < 0 < flat.high
    assert slope(samples(0.0, 2)) is None


def test_a_line_to_a_provider_passes_breaks_and_goes_silent() -> None:
    asyncio.run(_over_a_wire())


async def _over_a_wire() -> None:
    async def page(request: web.Request) -> web.Response:
        return web.Response(text="word " * 1000)

    app = web.Application()
    app.router.add_get("/", page)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    upstream = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with Wire(upstream) as wire, aiohttp.ClientSession() as client:
            assert await _fetched(client, wire.url) == 5000
            wire.stall(400)
            assert 0 < await _fetched(client, wire.url) < 400
            wire.stall()
            assert await _fetched(client, wire.url) == -1
            wire.cut()
            with pytest.raises(aiohttp.ClientConnectionError):
                await _fetched(client, wire.url)
            wire.heal()
            assert await _fetched(client, wire.url) == 5000
    finally:
        await runner.cleanup()


async def _fetched(client: aiohttp.ClientSession, url: str) -> int:
    """Fetch a page; give the bytes that came before it went silent, -1 without a first one."""
    got = -1
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.5), client.get(url) as answer:
            async for part in answer.content.iter_any():
                got = max(got, 0) + len(part)
    return got


WORKER = "import subprocess, time; subprocess.Popen(['sleep', '60']); print('ready', flush=True)"


def test_a_run_that_is_told_to_stop_leaves_no_process_of_its_worker(tmp_path: Path) -> None:
    """SIGTERM ends the work in good order, and with it the worker and what that has started."""
    worker = Worker(("-c", f"{WORKER}; time.sleep(60)"), {}, tmp_path, b"ready")

    async def serve_until_told() -> None:
        try:
            await worker.start()
            assert len(processes_of_group(worker.pid)) == 2
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.Event().wait()
        finally:
            await worker.kill()

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(until_told(serve_until_told()))
    assert processes_of_group(worker.pid) == []
