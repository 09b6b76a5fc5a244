"""One call of a campaign: from the gate to the row's next attempt.

How a row stands is stored before each step, with the idempotency key of its attempt in mind: a host
that is killed anywhere begins the same attempt again, and the key allows no second call for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from datetime import UTC, datetime, timedelta

from host.base.clock import now
from host.compliance import Gate
from host.dispatch.campaigns import Attempt, Campaign, Directory, Row, Step
from host.dispatch.campaigns.policy import Pace, next_try
from host.dispatch.idempotency import Requests
from host.records.outcome import Outcome
from host.server.api.details_validator import Unready
from host.server.api.placing import Placing
from host.server.api.refusals import Blocked, TooMany, Unusable
from host.server.api.schemas import AskedCall, WantedCall
from host.server.campaigns.mending import attempt_key, settles
from host.settings import Settings

log = logging.getLogger("host")

WINDOW = timedelta(minutes=10)
"""How long a call may wait for a line of the host."""
LOOK_EVERY = 0.5
"""Seconds between looks at a call that goes on."""
LATER = timedelta(seconds=5)
"""When a row is tried again for which the host had no line."""
RESULTS_LIMIT = 5.0
"""Seconds to wait for the results of a call that is over."""


class Calling:
    """Calls the rows of one campaign, for one host."""

    def __init__(
        self,
        settings: Settings,
        placing: Placing,
        directory: Directory,
        campaign: Campaign,
        me: str,
        pace: Pace,
    ) -> None:
        self._settings, self._placing, self._me, self._pace = settings, placing, me, pace
        self._directory, self._campaign = directory, campaign
        self._queue = directory.queue(campaign.id)
        self._requests = Requests(settings.state_dir)

    def gate(self) -> Gate:
        """Return the gate of the campaign's persona."""
        persona = self._campaign.persona
        return Gate(self._settings, self._settings.persona(persona), persona)

    async def call(self, line: int) -> None:
        """Call a row once, if it is its turn, and store what becomes of it."""
        row = await asyncio.to_thread(self._queue.row, line)
        if row is None or row.step is Step.DONE:
            return
        if row.step is Step.WAITING and row.due_at and row.due_at > now():
            return  # it was queued twice, and is scheduled: see `mend`
        resumed = row.step is Step.PLACING
        if not resumed and not await self._begun(row):
            return
        attempt = row.attempts[-1]
        if attempt.host != self._me or attempt.outcome is not None:
            return  # another host has it
        asked = await self._asked(row, attempt)
        if asked is None:
            return
        attempt.call, attempt.room = asked.id, asked.room
        await self._keep(row)
        over = await self._over(asked)
        await self._note(row, attempt, over)
        if not resumed:  # what a killed host left says nothing of the trunk
            await self._pace_by(attempt)

    async def _begun(self, row: Row) -> bool:
        """Claim the row's next attempt, if the gate allows it now."""
        if not await self._allowed(row):
            return False
        number = len(row.attempts) + 1
        key = attempt_key(row.line, number)
        if not await asyncio.to_thread(self._queue.claim, key, self._me):
            return False  # another host takes it
        row.attempts.append(Attempt(number=number, host=self._me, begun_at=now()))
        row.step, row.due_at, row.note = Step.PLACING, None, ""
        await self._keep(row)
        # Somebody else may have thought that this host was gone, and taken the attempt.
        return await asyncio.to_thread(self._queue.holder, key) == self._me

    async def _allowed(self, row: Row) -> bool:
        """Ask the gate; a row that it does not allow waits, or is left."""
        gate = await asyncio.to_thread(self.gate)
        caller_id = self._campaign.caller_id
        verdict = await asyncio.to_thread(gate.dial, row.number, attempt=False, caller_id=caller_id)
        if verdict.allowed:
            return True
        if verdict.rule and verdict.rule.passes and verdict.retry_at:
            await self._wait(row, verdict.retry_at, str(verdict))
        else:
            await self._leave(row, str(verdict))
        return False

    async def _asked(self, row: Row, attempt: Attempt) -> AskedCall | None:
        """Ask for the attempt's call; None if it is not placed, and the row waits or is left.

        A repeated request, of a host that was killed meanwhile, returns the same call.
        """
        wanted = WantedCall(
            persona=self._campaign.persona,
            number=row.number,
            details=row.details,
            reference=row.reference,
            caller_id=self._campaign.caller_id,
            idempotency_key=self._key(row, attempt),
            not_after=attempt.begun_at + WINDOW,
        )
        try:
            return await self._placing.ask(wanted)
        except (TooMany, Unready):
            await self._undo(row, now() + LATER, "the host has no free line")
        except Blocked as error:
            if error.passes:
                await self._undo(row, error.retry_at or now() + WINDOW, error.reason)
            else:
                row.attempts.pop()
                await self._leave(row, f"{error.reason} (rule: {error.rule})")
        except Unusable as error:
            if attempt.begun_at + WINDOW <= now():  # the host was down before it could ask
                await self._undo(row, now(), "")
            else:
                row.attempts.pop()
                await self._leave(row, f"the metadata is invalid: {error.faults[0].msg}")
        return None

    async def _over(self, asked: AskedCall) -> AskedCall:
        """Wait for a call's end."""
        while True:
            known = await self._placing.read(asked.id)
            if known is None or known.status == "over":
                return known or asked
            await asyncio.sleep(LOOK_EVERY)

    async def _note(self, row: Row, attempt: Attempt, over: AskedCall) -> None:
        """Store how an attempt ended, and when the row is tried again."""
        if not await asyncio.to_thread(settles, self._queue, row, self._me):
            return  # this host seemed to be gone, and another one has ended the attempt
        outcome = over.outcome or Outcome.FAILED
        attempt.outcome, attempt.reason = outcome, over.reason
        attempt.sip_status, attempt.ended_at = over.sip_status, over.ended_at or now()
        key = self._key(row, attempt)
        if request := await asyncio.to_thread(self._requests.find, key):
            attempt.call = request.call or attempt.call
        attempt.results = over.results or await self._results(over)
        again = over.retry_at
        if over.retryable:
            due = next_try(row, self._campaign.tries, self._campaign.spacing, now())
            if due is not None:
                again = max(again or due, due)
                await self._wait(row, await asyncio.to_thread(self._allowed_from, row, again), "")
            else:
                await self._leave(row, "")
        else:
            await self._leave(row, "")

    async def _pace_by(self, attempt: Attempt) -> None:
        """Go on as fast as the last calls allow; pause the campaign if its trunk fails."""
        if attempt.outcome is None:
            return  # another host has ended it
        self._pace.note(attempt.outcome)
        if self._pace.broken:
            await asyncio.to_thread(self._break, attempt)

    def _allowed_from(self, row: Row, at: datetime) -> datetime:
        """Return the first time from a time on at which the gate allows a row."""
        verdict = self.gate().dial(row.number, at, attempt=False)
        return (verdict.retry_at or at).astimezone(UTC)

    async def _results(self, over: AskedCall) -> dict[str, object]:
        """Wait for the results of a conversation, which its process writes a moment later."""
        if over.outcome is None or not over.outcome.conversation:
            return {}
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(RESULTS_LIMIT):
                while True:
                    known = await self._placing.read(over.id)
                    if known is None or known.results:
                        return known.results if known else {}
                    await asyncio.sleep(LOOK_EVERY)
        return {}

    def _break(self, attempt: Attempt) -> None:
        """Pause the campaign: its trunk fails."""
        campaign = self._directory.find(self._campaign.id)
        if campaign.status != "running":
            return
        campaign.status, campaign.edition = "paused", campaign.edition + 1
        campaign.reason = f"the trunk fails: {attempt.outcome}: {attempt.reason}"
        self._directory.keep(campaign)
        log.error("the campaign %s is paused: %s", campaign.id, campaign.reason)

    async def _undo(self, row: Row, due: datetime, note: str) -> None:
        """Take an attempt back that dialled nothing, and let the row wait."""
        attempt = row.attempts.pop()
        await self._wait(row, due, note)
        key = attempt_key(row.line, attempt.number)
        await asyncio.to_thread(self._queue.release, key)

    async def _wait(self, row: Row, due: datetime, note: str) -> None:
        row.step, row.due_at, row.note = Step.WAITING, due.astimezone(UTC), note
        await self._keep(row)
        await asyncio.to_thread(self._queue.put_back, row.line, row.due_at)

    async def _leave(self, row: Row, note: str) -> None:
        row.step, row.due_at, row.note = Step.DONE, None, note
        await self._keep(row)

    async def _keep(self, row: Row) -> None:
        await asyncio.to_thread(self._queue.keep, row)

    def _key(self, row: Row, attempt: Attempt) -> str:
        return f"campaign-{self._campaign.id}-{row.line}-{attempt.number}"
