"""The telephone of a text conversation: its keys, transfers and answering machine."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection

from livekit import rtc

from host.base.clock import now
from host.base.errors import HostError
from host.call.answers import Continue, LeaveMessage
from host.call.keypad import read_presses
from host.call.live import LiveCall
from host.records.ending import Ending
from host.records.outcome import Outcome
from host.records.record import Transfer
from host.settings import TransferTarget
from host.telephony.transfer.ways import ways_to

GLANCE = 0.01
"""Seconds between checks of state that has no event."""


_KEYS = re.compile(r"#([0-9*#]+)")


def keys_in(line: str) -> str:
    """Return the keys that a typed line presses, as `#5` does; empty for a line of words."""
    pressed = _KEYS.fullmatch(line.strip())
    return pressed[1] if pressed else ""


class TextFarEnd:
    """The other party, who has answered by telephone."""

    identity: str | None = None
    telephone = True
    participant: rtc.RemoteParticipant | None = None
    pressing = False

    def __init__(self, room: rtc.Room, call: LiveCall) -> None:
        self.room, self._call = room, call

    async def answered(self) -> None:
        """Return at once."""

    async def press(self, written: str, *, private: bool = False) -> None:
        """Note the keys, without their pauses. Raises HostError if one is invalid."""
        for each in read_presses(written):
            if isinstance(each, str):
                self._call.note_key("persona", each, private=private)

    async def gone(self, limit: float) -> None:
        """Return at once."""

    async def hang_up(self) -> None:
        """Do nothing: there is no room."""

    async def leave(self) -> None:
        """Do nothing: there is no room."""


class TextTransfers:
    """Accepts every transfer, except to the targets in `refusing`; neither asks the gate."""

    under_way = False

    def __init__(self, call: LiveCall, refusing: Collection[str] = ()) -> None:
        self._call, self._refusing = call, refusing

    async def hand_over(
        self, to: str, target: TransferTarget, announcement: str, summary: str
    ) -> None:
        """Announce and record the transfer, and end the call. Raises HostError if refused."""
        call = self._call
        if call.over:
            raise HostError("the call is already being transferred, or has ended")
        if announcement:
            await call.say(announcement, interruptible=False)
        for way in ways_to(target, telephone=True, trunk=True):
            accepted = to not in self._refusing
            tried = Transfer(
                at=now(),
                to=to,
                number=way.target.number,
                mode=way.mode,
                warm=way.target.warm,
                succeeded=accepted,
                reason="" if accepted else f"{to} did not answer",
            )
            call.state.transfers.append(tried)
            if accepted:
                reason = f"the call was transferred to {to}"
                call.end(Ending(Outcome.TRANSFERRED, "persona", reason))
                return
        if words := call.persona_settings.words.transfer_failed.format(name=to):
            await call.say(words, interruptible=False)
        raise HostError(f"{to} did not answer")

    async def abort(self) -> None:
        """Do nothing: no operator hangs up a conversation in text."""

    async def close(self) -> None:
        """Do nothing: no transfer is in progress."""


class TextVoicemail:
    """A machine of which the LLM tells: its claim is taken for true."""

    def __init__(self, call: LiveCall) -> None:
        self._call = call

    async def meet_machine(self) -> None:
        """Apply the persona's voicemail policy."""
        call, policy = self._call, self._call.voicemail_policy
        if isinstance(policy, Continue):
            return
        outcome = Outcome.VOICEMAIL_SKIPPED
        if isinstance(policy, LeaveMessage):
            await call.say(policy.text, interruptible=False)
            outcome = Outcome.VOICEMAIL_LEFT
        call.end(Ending(outcome, "persona", outcome.description))

    def keep_watching(self) -> None:
        """Do nothing: nobody speaks but in words."""


async def press_keys(call: LiveCall, keys: str) -> None:
    """Press the far end's keys, one after the other. Raises HostError if one is invalid.

    Returns when `digit_pressed` has run, or waits for further keys itself.
    """
    presses = [each for each in read_presses(keys) if isinstance(each, str)]
    if len(presses) != len(keys):
        raise HostError(f"{keys!r} has a pause: the far end presses keys alone")
    for each in presses:
        call.keypad.pressed(each)
        told = call.spawn(call.events.emit_and_wait("digit_pressed", digit=each), "digit_pressed")
        await asyncio.sleep(0)
        while not (told.done() or call.keypad.waiting):
            await asyncio.wait({told}, timeout=GLANCE)
