"""Hangs up when an operator orders it, after a goodbye if the order has one."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping

from livekit import rtc

from host.call.live import LINGER, LiveCall
from host.dispatch import hangup
from host.dispatch.hangup import HangUp
from host.dispatch.orders import ACCEPTED
from host.dispatch.rooms import notify_watchers
from host.records.ending import Ending
from host.records.outcome import Outcome
from host.runner.limits import say_last

log = logging.getLogger("host")


class Operator:
    """Obeys the operators of one call. The call's ending is `cancelled`, by `operator`."""

    def __init__(self, call: LiveCall, room: rtc.Room) -> None:
        self._call, self._room = call, room
        self._saying = False
        room.on("participant_attributes_changed", self._on_attributes)
        self._obey(room.local_participant.attributes)  # it may be older than this process

    def _on_attributes(self, changed: Mapping[str, str], who: rtc.Participant) -> None:
        if who.identity == self._room.local_participant.identity:
            self._obey(changed)

    def _obey(self, attributes: Mapping[str, str]) -> None:
        call = self._call
        value = attributes.get(hangup.ATTRIBUTE)
        if not value or value == ACCEPTED or call.over:
            return
        order = hangup.read(value, call.state.id, call.settings)
        if order is None:
            log.warning("an order to hang up is not signed for this call, and is ignored")
            return
        log.info("an operator hangs up %s", order.way)
        accepted = {hangup.ATTRIBUTE: ACCEPTED}
        call.spawn(notify_watchers(self._room, accepted), "accepting an order to hang up")
        if not (order.goodbye and self._is_heard):
            call.end(self._ending(order))
        elif not self._saying:
            self._saying = True
            call.spawn(self._say_goodbye(order), "saying an operator's goodbye")

    @property
    def _is_heard(self) -> bool:
        """Whether the far end would hear a goodbye, and nobody else."""
        call = self._call
        with_colleague = call.state.connected or call.bridged
        return call.state.answered and call.session is not None and not with_colleague

    def _ending(self, order: HangUp) -> Ending:
        reason = hangup.reason(order.way, answered=self._call.state.answered)
        return Ending(Outcome.CANCELLED, "operator", reason, retryable=False)

    async def _say_goodbye(self, order: HangUp) -> None:
        """Interrupt what goes on, a transfer included, and say the goodbye to its end."""
        call, ending = self._call, self._ending(order)
        call.hangup_ending = ending  # whoever hangs up now, the operator has ended the call
        with contextlib.suppress(Exception), call.hold_replies():
            async with asyncio.timeout(hangup.longest(order.goodbye)):
                if call.transfers:
                    await call.transfers.abort()
                    call.hangup_ending = ending  # a transfer resets it
                await say_last(call, order.goodbye)
                await asyncio.sleep(LINGER)
        call.end(ending)
