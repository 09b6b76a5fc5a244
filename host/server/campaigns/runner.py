"""Works on all campaigns, beside the other hosts of the same queue.

A line that is taken from the queue is lost if this host dies then. So each look at the queue also
finds the rows that wait in no queue, and those that a host has begun and left: see `mending`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable

from host.base.clock import now
from host.base.errors import HostError
from host.base.tasks import Tasks
from host.dispatch.campaigns import Campaign, CampaignQueue, Directory, open_campaigns
from host.dispatch.campaigns.identity import host_id
from host.dispatch.campaigns.policy import Pace
from host.dispatch.campaigns.queue import exist
from host.registry import Follow
from host.server.api.placing import Placing
from host.server.campaigns.calling import Calling
from host.server.campaigns.mending import mend
from host.settings import Settings

log = logging.getLogger("host")

EVERY = 1.0
"""Seconds between looks at the queues."""
MEND_EVERY = 30.0
"""Seconds between looks for rows that a dead host has left."""
STOP_LIMIT = 5.0
"""Seconds that storing how calls stand may take when the host stops."""


class CampaignRunner:
    """The campaigns of one host."""

    def __init__(self, settings: Settings, placing: Placing) -> None:
        self._settings, self._placing = settings, placing
        self._tasks = Tasks()
        self._directory: Directory | None = None
        self._me = ""
        self._busy: dict[str, set[int]] = defaultdict(set)
        """Lines of each campaign that this host works on."""
        self._paces: dict[tuple[str, int], Pace] = defaultdict(Pace)
        self._mended: dict[str, float] = {}
        self._looked = 0.0
        self._trouble = ""

    def use(self, settings: Settings, loaded: object) -> None:
        """Place further calls with these settings. The queue stays the same until a restart."""
        self._settings = settings

    async def run(self, closed: Callable[[], str | None]) -> None:
        """Work, until cancelled. `closed` tells why the host takes no calls."""
        try:
            while True:
                await self._try_to_look(closed)
                await asyncio.sleep(EVERY)
        finally:
            await self._tasks.stop(STOP_LIMIT)
            if self._directory:
                self._directory.close()

    async def _try_to_look(self, closed: Callable[[], str | None]) -> None:
        try:
            if not await asyncio.to_thread(exist, self._settings):
                return
            await self.look(closed)
            self._trouble = ""
        except Exception as error:  # each database's client has errors of its own
            trouble = f"{type(error).__name__}: {error}"
            if trouble != self._trouble:
                log.error("can't work on campaigns: %s", trouble)
            self._trouble = trouble

    async def look(self, closed: Callable[[], str | None] = lambda: None) -> None:
        """Take the rows whose turn it is."""
        if self._directory is None:
            self._me = await asyncio.to_thread(host_id, self._settings.state_dir)
            self._directory = await asyncio.to_thread(open_campaigns, self._settings)
        directory = self._directory
        await asyncio.to_thread(directory.show_sign, self._me)
        since, self._looked = self._looked, time.time()
        for campaign in await asyncio.to_thread(directory.all):
            begun = campaign.not_before is None or campaign.not_before <= now()
            open = campaign.status in ("running", "paused", "stopped")
            if open and time.monotonic() - self._mended.get(campaign.id, -math.inf) >= MEND_EVERY:
                self._mended[campaign.id] = time.monotonic()
                await self._mend(directory, campaign)
            if campaign.status == "running" and begun and not closed():
                await self._advance(directory, campaign, since)

    async def _mend(self, directory: Directory, campaign: Campaign) -> None:
        queue, busy = directory.queue(campaign.id), self._busy[campaign.id]
        gate = self._calling(directory, campaign).gate()
        left = await asyncio.to_thread(mend, directory, campaign, gate, self._me, frozenset(busy))
        for line in left:
            self._start(directory, campaign, queue, line, slot=None)
        running = campaign.status == "running"
        if (
            running
            and not left
            and not busy
            and await asyncio.to_thread(directory.is_over, campaign)
        ):
            campaign.status, campaign.reason = "done", ""
            await asyncio.to_thread(directory.keep, campaign)
            log.info("the campaign %s is done", campaign.id)

    async def _advance(self, directory: Directory, campaign: Campaign, since: float) -> None:
        """Take as many rows as lines and pace allow."""
        queue = directory.queue(campaign.id)
        await asyncio.to_thread(queue.wake, now())
        pace = self._pace(campaign)
        if pace.broken:
            return
        for tick in self._ticks(campaign.per_minute, pace.share(), since):
            slot = await asyncio.to_thread(self._slot, queue, pace.at_once(campaign.calls_at_once))
            if slot is None:
                return
            line = None
            if await asyncio.to_thread(queue.claim, tick, self._me):
                line = await asyncio.to_thread(queue.take)
            if line is None or line in self._busy[campaign.id]:
                await asyncio.to_thread(queue.release, slot)
                continue
            self._start(directory, campaign, queue, line, slot)

    def _ticks(self, per_minute: float, share: float, since: float) -> list[str]:
        """Return the moments since the last look at which one call may begin, for all hosts.

        A host that goes on at a share of the speed leaves the other moments out.
        """
        rate = per_minute / 60
        first = math.floor(max(since, self._looked - EVERY * 2) * rate) + 1
        ticks = range(first, math.floor(self._looked * rate) + 1)
        taken = [each for each in ticks if int(each * share) > int((each - 1) * share)]
        return [f"tick:{each}" for each in taken]

    def _slot(self, queue: CampaignQueue, most: int) -> str | None:
        """Claim one of the campaign's lines, which all hosts share; None if all are busy."""
        for number in range(most):
            if queue.claim(slot := f"slot:{number}", self._me):
                return slot
        return None

    def _start(
        self, directory: Directory, campaign: Campaign, queue: CampaignQueue, line: int,
        slot: str | None,
    ) -> None:  # fmt: skip
        self._busy[campaign.id].add(line)
        work = self._work(directory, campaign, queue, line, slot)
        self._tasks.start(work, "a call of a campaign")

    async def _work(
        self, directory: Directory, campaign: Campaign, queue: CampaignQueue, line: int,
        slot: str | None,
    ) -> None:  # fmt: skip
        try:
            await self._calling(directory, campaign).call(line)
        except HostError as error:
            log.error("campaign %s, line %d: %s", campaign.id, line, error)
        finally:
            self._busy[campaign.id].discard(line)
            if slot is not None:
                with contextlib.suppress(Exception):  # it is released later, by `mend`
                    queue.release(slot)

    def _calling(self, directory: Directory, campaign: Campaign) -> Calling:
        pace = self._pace(campaign)
        return Calling(self._settings, self._placing, directory, campaign, self._me, pace)

    def _pace(self, campaign: Campaign) -> Pace:
        return self._paces[campaign.id, campaign.edition]


@contextlib.asynccontextmanager
async def working_on_campaigns(
    settings: Settings,
    placing: Placing,
    closed: Callable[[], str | None],
    *,
    follow: Follow = lambda use: None,
) -> AsyncIterator[CampaignRunner]:
    """Work on campaigns inside the block."""
    runner, tasks = CampaignRunner(settings, placing), Tasks()
    follow(runner.use)
    tasks.start(runner.run(closed), "working on campaigns")
    try:
        yield runner
    finally:
        await tasks.stop(STOP_LIMIT)
