"""Tells hooks what happens in a call."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from host.base.tasks import Tasks
from host.records.record import CallRecord
from host.records.redaction import redacted

if TYPE_CHECKING:
    from host.call.call import Call
    from host.call.parts import Hooks
    from host.settings import PersonaSettings, Settings

log = logging.getLogger("host")

EVENT_LIMIT = 10.0
"""Seconds that one event hook may take before the call goes on without it."""


class Told(Protocol):
    """The call that something happens in, and whose hooks are told."""

    call: Call
    settings: Settings
    persona_settings: PersonaSettings

    @property
    def persona(self) -> str: ...

    @property
    def has_hooks(self) -> bool: ...

    @property
    def hooks(self) -> Hooks: ...


class Events:
    """The events of one call."""

    def __init__(self, call: Told) -> None:
        self._call = call
        self._telling = Tasks()

    def tell(self, event: str, **facts: Any) -> None:
        """Tell an event's hooks without waiting for them."""
        if self._call.has_hooks:
            self._telling.start(self.tell_all(event, **facts), event)

    async def tell_all(self, event: str, *, patiently: bool = False, **facts: Any) -> None:
        """Tell everyone of an event. One that fails or takes too long is logged and passed over.

        Told `patiently`, it may take as long as the call.
        """
        limit = None if patiently else EVENT_LIMIT
        await self._tell(event, getattr(self._call.hooks, event), limit, facts)

    async def tell_end(self, record: CallRecord) -> None:
        """Tell everyone that the call has ended: the plugins first, so that its record is written
        even if the persona never comes back from it. What the settings do not open is masked."""
        record = redacted(record, self._call.persona_settings, self._call.settings.state_dir)
        for caller in self._call.hooks.in_turn("call_ended"):
            await self._tell("call_ended", caller, EVENT_LIMIT, {"record": record})

    async def _tell(
        self, event: str, hook: Any, limit: float | None, facts: Mapping[str, Any]
    ) -> None:
        try:
            told: Sequence[Coroutine[Any, Any, None]] = hook(call=self._call.call, **facts)
        except Exception:
            log.exception("%s of %s failed", event, self._call.persona)
            return
        results = await asyncio.gather(
            *(asyncio.wait_for(one, limit) for one in told), return_exceptions=True
        )
        for result in results:
            if isinstance(result, Exception):
                log.error("%s of %s failed", event, self._call.persona, exc_info=result)

    async def finish(self, limit: float) -> None:
        """Let events that are being told be told, for so many seconds at most."""
        await self._telling.finish(limit)

    def cancel(self) -> None:
        """Tell no more."""
        self._telling.cancel()
