"""DTMF of a call: keys that the far end sends, and keys that the host sends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from livekit import rtc

from host.base.errors import HostError
from host.call.keypad import KEYS, read_presses
from host.call.live import LiveCall
from host.compliance import KeyRules, Verdict

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

    def refuse(self, written: str) -> Verdict | None:
        """Judge keys that LiveKit is to press after the answer; None if they are allowed.

        Raises HostError if they can't be pressed at all.
        """
        return self._refused(read_presses(written))

    def dialled(self, written: str) -> None:
        """Record keys that LiveKit has pressed after the answer; later ones may continue them."""
        if self._call.persona_settings.mask_digits:
            self._call.keypad.keep_secret(written)
        for each in read_presses(written):
            self._sent(each)
        self._judging.paused()

    async def press(self, written: str, *, private: bool = False) -> None:
        """Send keys and pauses, in the syntax of `read_presses`. Raises HostError.

        Returns when the last key has been sent; concurrent calls are queued. If the keys could dial
        a number that the gate refuses, none is sent.
        """
        presses = read_presses(written)
        if not self._call.state.answered:
            raise HostError("keys can't be pressed before the call is answered")
        async with self._one_at_a_time:
            if refused := self._refused(presses):
                raise HostError(str(refused))
            for each in presses:
                if isinstance(each, str):
                    await self._press(each)
                self._sent(each, private=private)
                await asyncio.sleep(DIGIT_GAP if isinstance(each, str) else each)
            self._judging.paused()

    def _sent(self, each: str | float, *, private: bool = False) -> None:
        """Note a key that was sent, or a pause."""
        if isinstance(each, str):
            self._judging.pressed(each)
            self._call.note_key("persona", each, private=private)
        else:
            self._judging.paused()

    def _refused(self, presses: Sequence[str | float]) -> Verdict | None:
        verdict = self._judging.judge(presses)
        allowed = verdict.allowed or self._call.persona_settings.keys_may_dial
        return None if allowed else verdict

    @property
    def _judging(self) -> KeyRules:
        """The rules of this call's keys, which remember those that were sent."""
        if self._rules is None:
            state = self._call.state
            self._rules = KeyRules(
                self._call.gate.numbers, state.number, state.our_number, rung=not state.outbound
            )
        return self._rules

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
