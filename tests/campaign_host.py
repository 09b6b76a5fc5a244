"""A host that works on campaigns, in a process of its own, to be killed at any moment.

All of it is the host's own but LiveKit and the telephone network: a call is a line in a ledger, and
lasts a moment. It claims its idempotency key as the process of a call does, before it dials.
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from host.dispatch.campaigns import queue
from host.dispatch.idempotency import NotClaimed, Requests
from host.records.outcome import Outcome
from host.server.api.placing import Placing
from host.server.api.schemas import AskedCall, WantedCall
from host.server.campaigns import CampaignRunner, runner
from host.settings import load_settings

LASTS = 0.03
"""Seconds of a call."""
OUTCOMES = (Outcome.COMPLETED, Outcome.BUSY, Outcome.NO_ANSWER, Outcome.VOICEMAIL_LEFT)


class Network:
    """Places calls, as `Placing` does, into a ledger."""

    def __init__(self, state: Path, ledger: Path) -> None:
        self._requests, self._ledger = Requests(state, 20), ledger
        self._live: dict[str, asyncio.Task[None]] = {}

    async def ask(self, wanted: WantedCall) -> AskedCall:
        key = str(wanted.idempotency_key)
        asked = AskedCall(
            id=key, persona=wanted.persona, number=wanted.number, room=key,
            asked_at=datetime.now(UTC),
        )  # fmt: skip
        try:
            self._requests.claim(key, key, key, "")
        except NotClaimed:
            if key not in self._live and (known := self._requests.find(key)) and not known.outcome:
                self._end(key, Outcome.FAILED)  # as recovery does with a call without a process
            return asked
        with self._ledger.open("a") as ledger:
            ledger.write(f"{key} {wanted.number}\n")
        self._live[key] = asyncio.create_task(self._talk(key, wanted.number))
        return asked

    async def read(self, id: str) -> AskedCall:
        request = self._requests.find(id)
        outcome = Outcome(request.outcome) if request and request.outcome else None
        return AskedCall(
            id=id, persona="ann", room=id, asked_at=datetime.now(UTC), outcome=outcome,
            status="over" if outcome else "active", retryable=outcome and outcome.retryable(),
            results={"talked": True} if outcome is Outcome.COMPLETED else {},
        )  # fmt: skip

    async def _talk(self, key: str, number: str) -> None:
        await asyncio.sleep(LASTS)
        self._end(key, outcome_of(number))

    def _end(self, key: str, outcome: Outcome) -> None:
        self._requests.settle(key, outcome, outcome.description, begun=True)


def outcome_of(number: str) -> Outcome:
    """How every call to a number ends."""
    return OUTCOMES[int(number[-2:]) % len(OUTCOMES)]


async def main(ledger: Path) -> None:
    settings = load_settings()
    network: Any = Network(settings.state_dir, ledger)
    works = CampaignRunner(settings, cast("Placing", network))
    print("ready", flush=True)
    await works.run(lambda: None)


if __name__ == "__main__":
    queue.GONE_AFTER = float(os.environ["TEST_GONE_AFTER"])
    runner.EVERY, runner.MEND_EVERY = 0.05, 0.3
    asyncio.run(main(Path(sys.argv[1])))
