"""DTMF of a call: keys that the far end sends, and keys that the host sends."""

from __future__ import annotations

import asyncio
import logging

from livekit import rtc

from host.base.errors import HostError
from host.call.keypad import KEYS, read_presses
from host.call.live import LiveCall
from host.compliance import KeyRules

log = logging.getLogger("host")

DIGIT_GAP = 0.55
"""Seconds between keys, as LiveKit SIP plays them: 250 ms of tone, 250 ms of silence, and 40 more.

LiveKit SIP queues keys that are sent faster (LiveKit's own helper sends one every 0.3 s), and the
queue would swallow a following pause.
"""
MOST_KEYS = 1000
"""Maximum number of keys accepted from the far end; a browser can send that many a second."""


class TelephoneKeys:
    """Sends and receives the keys of one call."""

    def __init__(self, room: rtc.Room, call: LiveCall) -> None:
        self._room, self._call = room, call
        self._one_at_a_time = asyncio.Lock()
        self._rules: KeyRules | None = None
        self._pressed = 0
        room.on("sip_dtmf_received", self._on_digit)

    @property
    def pressing(self) -> bool:
        """True while keys are being sent."""
        return self._one_at_a_time.locked()

    async def press(self, written: str, *, private: bool = False) -> None:
        """Send keys and pauses, in the syntax of `read_presses`. Raises HostError.

        Returns when the last key has been sent; concurrent calls are queued. If the keys could dial
        a number that the gate refuses, none is sent.
        """
        presses = read_presses(written)
        if not self._call.state.answered:
            raise HostError("keys can't be pressed before the call is answered")
        async with self._one_at_a_time:
            rules = self._rules = self._rules or self._rules_of_keys()
            verdict = rules.judge(presses)
            if not (verdict.allowed or self._call.persona_settings.keys_may_dial):
                raise HostError(str(verdict))
            for each in presses:
                if isinstance(each, str):
                    await self._press(each)
                    rules.pressed(each)
                    self._call.note_key("persona", each, private=private)
                else:
                    rules.paused()
                await asyncio.sleep(DIGIT_GAP if isinstance(each, str) else each)
            rules.paused()

    def _rules_of_keys(self) -> KeyRules:
        call = self._call
        rules = call.gate.numbers
        return KeyRules(
            rules, call.state.number, call.state.our_number, rung=not call.state.outbound
        )

    async def _press(self, key: str) -> None:
        if self._call.state.far_end not in self._room.remote_participants:
            raise HostError(f"the {self._call.state.other_party} has left the call")
        try:
            await self._room.local_participant.publish_dtmf(code=KEYS.index(key), digit=key)
        except rtc.participant.PublishDTMFError as error:
            raise HostError("can't reach LiveKit to press a key") from error

    def _on_digit(self, key: rtc.SipDTMF) -> None:
        if key.participant is None or key.participant.identity != self._call.state.far_end:
            return
        if self._call.state.connected or self._call.bridged:
            return  # meant for the colleague
        digit = key.digit.upper()
        if len(digit) != 1 or digit not in KEYS:
            return  # not from a telephone: any participant can send such a packet
        self._pressed += 1
        if self._pressed > MOST_KEYS:
            if self._pressed == MOST_KEYS + 1:
                log.warning("the far end pressed %d keys, ignoring the rest", MOST_KEYS)
            return
        self._call.keypad.pressed(digit)
        self._call.events.emit("digit_pressed", digit=digit)
