"""Finds the rows of a campaign that wait in no queue, or that a host has begun and left."""

from __future__ import annotations

import logging
from collections.abc import Collection

from host.base.clock import now
from host.base.errors import HostError
from host.compliance import Gate
from host.dispatch.campaigns import Campaign, CampaignQueue, Directory, Row, Step
from host.dispatch.campaigns.policy import next_try
from host.records.outcome import Outcome

log = logging.getLogger("host")

LISTED = "the number is on the do-not-call list (rule: do_not_call)"
LOST = "the host that placed it is gone, and nobody knows how it ended"


def mend(
    directory: Directory, campaign: Campaign, gate: Gate, me: str, busy: Collection[int]
) -> list[int]:
    """Mend a campaign; return the lines of calls that this host has begun, and is to go on with.

    `busy` are those that it works on. An attempt belongs to one host for good: another one never
    places it, but ends it as failed once that host is gone.
    """
    queue = directory.queue(campaign.id)
    queued = queue.queued()
    rows, mine = directory.rows(campaign), []
    forbidden = _on_the_list(rows, gate)
    for row in rows:
        if row.step is Step.DONE or row.line in busy:
            continue
        if row.step is Step.PLACING:
            if row.attempts[-1].host == me:
                mine.append(row.line)
            elif directory.is_gone(row.attempts[-1].host) and settles(queue, row, me):
                _lose(queue, campaign, row)
        elif row.number in forbidden:
            row.step, row.due_at, row.note = Step.DONE, None, LISTED
            queue.keep(row)
        elif row.line not in queued:
            _queue_again(directory, queue, row, me)
    _free_lines(directory, queue, campaign, me, busy=bool(busy))
    return mine


def attempt_key(line: int, number: int) -> str:
    """Return the key by which a host claims an attempt."""
    return f"attempt:{line}:{number}"


def settles(queue: CampaignQueue, row: Row, me: str) -> bool:
    """Return whether this host may say how the last attempt of a row ended: one host may."""
    key = f"settled:{row.line}:{row.attempts[-1].number}"
    return queue.claim(key, me) or queue.holder(key) == me


def _on_the_list(rows: list[Row], gate: Gate) -> set[str]:
    """Return the numbers of waiting rows that are on the do-not-call list now."""
    waiting = [row.number for row in rows if row.step is Step.WAITING]
    try:
        return gate.do_not_call.among(waiting) if waiting else set()
    except HostError:
        return set()  # the gate refuses each call while the list can't be read


def _lose(queue: CampaignQueue, campaign: Campaign, row: Row) -> None:
    """End the attempt of a host that is gone; the row is tried again as after any failure."""
    last = row.attempts[-1]
    last.outcome, last.reason, last.ended_at = Outcome.FAILED, LOST, now()
    log.warning("campaign %s, line %d: %s", campaign.id, row.line, LOST)
    row.due_at = next_try(row, campaign.tries, campaign.spacing, now())
    row.step, row.note = (Step.WAITING if row.due_at else Step.DONE), ""
    queue.keep(row)
    if row.due_at:
        queue.put_back(row.line, row.due_at)


def _queue_again(directory: Directory, queue: CampaignQueue, row: Row, me: str) -> None:
    """Queue a row that a host took from the queue and did not begin."""
    key = attempt_key(row.line, len(row.attempts) + 1)
    holder = queue.holder(key)
    if holder is not None:
        if holder != me and not directory.is_gone(holder):
            return  # it is about to begin
        queue.release(key)
    queue.put_back(row.line, row.due_at)


def _free_lines(
    directory: Directory, queue: CampaignQueue, campaign: Campaign, me: str, *, busy: bool
) -> None:
    """Free the lines of hosts that are gone, and of this one before its restart."""
    for number in range(campaign.calls_at_once):
        slot = f"slot:{number}"
        holder = queue.holder(slot)
        if holder is not None and (directory.is_gone(holder) or (holder == me and not busy)):
            queue.release(slot)
