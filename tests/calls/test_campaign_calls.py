"""Campaigns on the local exchange: each row ends as it must, and no number is dialled too often."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from api_in_memory import have_no_processes
from in_memory.world import MemoryScene
from people import talks
from scene import a_number

from host.base.clock import now
from host.compliance import Gate
from host.dispatch.campaigns import Campaign, Row, Step, control, open_campaigns
from host.local.exchange import Subscriber
from host.local.phone import Busy, Fails, NoAnswer, Telephone
from host.records.outcome import Outcome
from host.server.api.placing import Placing
from host.server.campaigns import CampaignRunner
from host.testing import Scene, voicemail

pytestmark = [
    pytest.mark.memory("many calls, and hosts that restart between them"),
    pytest.mark.timeout(600),
]

SPACING = 60.0
"""Seconds between two attempts."""


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    have_no_processes(monkeypatch)
    monkeypatch.setattr("host.server.campaigns.runner.MEND_EVERY", 5.0)


class Host:
    """What works on campaigns in one run of a host after another."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.directory = open_campaigns(scene.settings)
        self._runs: list[asyncio.Task[None]] = []
        self._placing = Placing(scene.settings)

    async def start(self) -> None:
        self._placing = Placing(self.scene.settings)
        await self._placing.resume()
        works = CampaignRunner(self.scene.settings, self._placing)
        self._runs = [
            asyncio.create_task(self._placing.scheduled.run(lambda: None)),
            asyncio.create_task(works.run(lambda: None)),
        ]

    async def stop(self) -> None:
        for run in self._runs:
            run.cancel()
        await asyncio.gather(*self._runs, return_exceptions=True)
        await self._placing.close()

    def campaign(self, *rows: Row, **facts: Any) -> Campaign:
        """Start a campaign."""
        given = {"calls_at_once": 5, "per_minute": 600, "tries": 2, "spacing": SPACING}
        common = {"name": "rows.csv", "persona": "leaves"}
        return control.start(self.directory, list(rows), **{**common, **given, **facts})

    async def until(self, campaign: Campaign, status: str = "done") -> dict[int, Row]:
        """Wait until a campaign has a status; return its rows by their lines."""
        async with asyncio.timeout(3600):
            while self.directory.find(campaign.id).status != status:
                await asyncio.sleep(1)
        return {row.line: row for row in self.directory.rows(campaign)}


@pytest.fixture
async def host(scene: Scene) -> AsyncIterator[Host]:
    host = Host(scene)
    await host.start()
    yield host
    await host.stop()


def a_row(scene: Scene, line: int, telephone: Subscriber) -> Row:
    """A row whose number is somebody's."""
    return Row(line=line, number=a_number(scene, telephone), details={"name": "Ann"})


def answers() -> Subscriber:
    return Telephone(script=talks("is a test call", "Thank you and goodbye."))


def dials_of(scene: Scene, row: Row) -> int:
    """How often the exchange was asked to dial a row's number."""
    assert isinstance(scene, MemoryScene)
    return len(scene.exchange.ledger.of("INVITE", number=row.number))


KINDS: list[tuple[Any, Outcome, int]] = [
    (answers, Outcome.COMPLETED, 1),
    (Busy, Outcome.BUSY, 2),
    (NoAnswer, Outcome.NO_ANSWER, 2),
    (lambda: Fails(603), Outcome.DECLINED, 1),
    (lambda: voicemail("Please leave a message after the tone."), Outcome.VOICEMAIL_LEFT, 1),
]
"""Whoever is called, what becomes of it, and how often it is tried."""


async def the_right_ends(scene: Scene, host: Host, number: int) -> None:
    """Call telephones of all kinds; require each row's outcome, and how often it was dialled."""
    kinds = [KINDS[at % len(KINDS)] for at in range(number)]
    rows = [a_row(scene, line, kind()) for line, (kind, *_) in enumerate(kinds, 2)]
    campaign = host.campaign(*rows)
    ended = await host.until(campaign)
    assert list(ended) == [row.line for row in rows]
    for row, (_, outcome, times) in zip(ended.values(), kinds, strict=True):
        assert (row.outcome, dials_of(scene, row)) == (outcome, times), row
        begun = [attempt.begun_at for attempt in row.attempts]
        if times == 2:
            assert begun[1] - begun[0] >= timedelta(seconds=SPACING)


@pytest.mark.corpus
async def test_each_row_ends_as_it_must(scene: Scene, host: Host) -> None:
    await the_right_ends(scene, host, len(KINDS))
    told = control.results(host.directory.rows(host.directory.all()[0]))
    written = control.as_csv(told).splitlines()
    assert written[0].startswith("line,number,reference,step,outcome,reason,attempts")
    record = await scene.record(told[0]["room"])
    assert told[0]["record"] == record.id


@pytest.mark.every  # 280 calls: a minute
@pytest.mark.timeout(1200)
async def test_two_hundred_rows_end_as_they_must(scene: Scene, host: Host) -> None:
    await the_right_ends(scene, host, 200)


@pytest.mark.corpus
@pytest.mark.timeout(1200)
async def test_a_host_that_stops_at_twenty_moments_dials_each_attempt_once(
    scene: Scene, host: Host
) -> None:
    dice = random.Random(3)
    rows = [a_row(scene, line, dice.choice(KINDS)[0]()) for line in range(2, 42)]
    campaign = host.campaign(*rows)
    for _ in range(20):
        await asyncio.sleep(dice.uniform(0, 8))
        await host.stop()
        await host.start()
    for row in (await host.until(campaign)).values():
        assert dials_of(scene, row) == len(row.attempts) <= 2, row


async def test_a_paused_campaign_dials_nobody_until_it_is_resumed(scene: Scene, host: Host) -> None:
    row = a_row(scene, 2, answers())
    campaign = host.campaign(row, not_before=now() + timedelta(seconds=5))
    control.change(host.directory, campaign.id, "pause")
    await asyncio.sleep(60)
    assert dials_of(scene, row) == 0
    control.change(host.directory, campaign.id, "resume")
    assert (await host.until(campaign))[2].outcome is Outcome.COMPLETED


@pytest.mark.corpus
async def test_a_stopped_campaign_dials_nobody_any_more(scene: Scene, host: Host) -> None:
    row = a_row(scene, 2, Busy())
    campaign = host.campaign(row)
    await asyncio.sleep(20)
    assert dials_of(scene, row) == 1
    control.change(host.directory, campaign.id, "stop")
    await asyncio.sleep(2 * SPACING)
    assert dials_of(scene, row) == 1


async def test_a_number_on_the_list_meanwhile_is_not_dialled_again(
    scene: Scene, host: Host
) -> None:
    row = a_row(scene, 2, Busy())
    campaign = host.campaign(row)
    await asyncio.sleep(20)
    Gate(scene.settings, scene.settings.persona("leaves")).do_not_call.add(row.number)
    await asyncio.sleep(10)
    (stopped,) = host.directory.rows(campaign)
    assert stopped.step is Step.DONE
    assert "do-not-call" in stopped.note
    await host.until(campaign)
    assert dials_of(scene, row) == 1


@pytest.mark.corpus
async def test_a_trunk_that_fails_pauses_the_campaign(scene: Scene, host: Host) -> None:
    rows = [a_row(scene, line, Fails(503)) for line in range(2, 32)]
    campaign = host.campaign(*rows, calls_at_once=1)
    await host.until(campaign, "paused")
    assert host.directory.find(campaign.id).reason.startswith("the trunk fails: trunk_error: ")
    await asyncio.sleep(2 * SPACING)
    assert sum(dials_of(scene, row) for row in rows) == 5


async def test_rows_are_dialled_no_faster_than_wanted(scene: Scene, host: Host) -> None:
    rows = [a_row(scene, line, Busy()) for line in range(2, 6)]
    campaign = host.campaign(*rows, per_minute=6, tries=1)
    ended = (await host.until(campaign)).values()
    begun = sorted(row.attempts[0].begun_at for row in ended)
    apart = [(late - early).total_seconds() for early, late in zip(begun, begun[1:], strict=False)]
    assert min(apart) > 8
