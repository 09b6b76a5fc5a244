"""Calls the event hooks of a call."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from host.base.tasks import Tasks
from host.call.hook_clock import HookClock
from host.records.pricing import cost_of
from host.records.record import CallRecord
from host.records.redaction import redacted

if TYPE_CHECKING:
    from host.call.call import Call
    from host.call.parts import Hooks, LiveEvents
    from host.call.results import Results
    from host.call.state import CallState
    from host.settings import Settings

log = logging.getLogger("host")

EVENT_LIMIT = 10.0
"""Seconds that an event hook may take before it is abandoned, without those of its actions."""


class EventCall(Protocol):
    """The call whose event hooks are called."""

    call: Call
    state: CallState
    settings: Settings
    results: Results
    live_events: LiveEvents | None

    @property
    def persona(self) -> str: ...

    @property
    def has_hooks(self) -> bool: ...

    @property
    def hooks(self) -> Hooks: ...


class Events:
    """Dispatches one call's events to its hooks."""

    def __init__(self, call: EventCall) -> None:
        self._call = call
        self._tasks = Tasks()

    def emit(self, event: str, **facts: Any) -> None:
        """Call an event's hooks in the background."""
        if self._call.has_hooks:
            self._tasks.start(self.emit_and_wait(event, **facts), event)

    async def emit_and_wait(self, event: str, *, patiently: bool = False, **facts: Any) -> None:
        """Call an event's hooks and wait; log those that fail or exceed EVENT_LIMIT.

        `patiently` removes the time limit.
        """
        limit = None if patiently else EVENT_LIMIT
        await self._run(event, getattr(self._call.hooks, event), limit, facts)

    async def emit_to_persona(self, event: str, **facts: Any) -> None:
        """Call an event's hooks of the persona alone, and wait; failures are logged."""
        *_, own = self._call.hooks.in_turn(event)
        await self._run(event, own, EVENT_LIMIT, facts)

    async def emit_call_ended(self, record: CallRecord) -> None:
        """Call `call_ended`: the plugins first, so that the record is written even if the
        persona's hook hangs. Fields that the settings keep private are masked."""
        self._call.results.close()
        settings = self._call.settings
        strictest = settings.of_a_call(record.names)
        record = redacted(self._with_cost(self._with_url(record)), strictest, settings.state_dir)
        told = False
        for caller in self._call.hooks.in_turn("call_ended"):
            await self._run("call_ended", caller, EVENT_LIMIT, {"record": record})
            if self._call.live_events and not told:  # the plugins have written the record
                self._call.live_events.ended(record)
            told = True

    def _with_url(self, record: CallRecord) -> CallRecord:
        """Return the record with the URL of its recording, if a plugin or the persona has one.

        There is none for a recording that was to be deleted.
        """
        if record.recording is None or record.recording_discarded:
            return record
        try:
            url = self._call.hooks.recording_url(call=self._call.call, recording=record.recording)
        except Exception:
            log.exception("recording_url of %s failed", self._call.persona)
            return record
        return record.model_copy(update={"recording_url": None if url is None else str(url)})

    def _with_cost(self, record: CallRecord) -> CallRecord:
        """Return the record with what the call cost, by the prices of host.toml."""
        settings = self._call.settings
        ours = settings.persona(record.persona or "").trunk
        trunk = self._call.state.trunk or (ours if record.direction == "outbound" else None)
        cost = cost_of(record, settings.prices, trunk=trunk, outbound_trunk=ours)
        return record.model_copy(update={"cost": cost})

    async def _run(
        self, event: str, hook: Any, limit: float | None, facts: Mapping[str, Any]
    ) -> None:
        try:
            hooks: Sequence[Coroutine[Any, Any, None]] = hook(call=self._call.call, **facts)
        except Exception:
            log.exception("%s of %s failed", event, self._call.persona)
            return
        files = [_file_of(one) for one in hooks]
        if limit is not None:
            hooks = [HookClock(limit).limit(one) for one in hooks]
        results = await asyncio.gather(*hooks, return_exceptions=True)
        for file, result in zip(files, results, strict=True):
            if isinstance(result, Exception):
                log.error("%s of %s failed in %s", event, self._call.persona, file, exc_info=result)

    async def finish(self, limit: float) -> None:
        """Wait for background events, at most `limit` seconds."""
        await self._tasks.finish(limit)

    def cancel(self) -> None:
        """Cancel background events."""
        self._tasks.cancel()


def _file_of(hook: Coroutine[Any, Any, None]) -> str:
    """Return the file of a persona or plugin whose hook this is, with its folder."""
    code = getattr(hook, "cr_code", None)
    return "/".join(Path(code.co_filename).parts[-2:]) if code else "a hook"
