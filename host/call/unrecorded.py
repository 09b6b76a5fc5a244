"""What is said off the record: in a pause of the recording, and after its end.

A pause silences the audio file, and keeps the words of both sides out of everything that lasts:
transcript, tools, keys, checkpoint and log. The model, the STT and the TTS still get them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Protocol

from host.base.clock import now
from host.base.digits import digits_in
from host.call.hook_clock import action
from host.call.keypad import MASK

if TYPE_CHECKING:
    from livekit.agents import AgentSession

    from host.call.keypad import Keypad
    from host.call.parts import Recorder
    from host.call.results import Results
    from host.call.state import CallState

MARK = "[not recorded]"
"""Replaces words in the transcript."""
LATE = timedelta(seconds=2)
"""Time after a pause in which a transcript may still be of speech in it."""
QUIET_LIMIT = 5.0
"""Seconds that a pause waits at its end for both sides to finish what they say."""
SHORTEST_NUMBER = 3
"""Minimum digits of a number that is masked wherever it is repeated: a card's security code."""


class OnTheRecord(Protocol):
    """The part of a call that may be off the record."""

    state: CallState
    session: AgentSession[Any] | None
    recorder: Recorder | None
    keypad: Keypad
    results: Results
    save: Callable[[], None]
    """Writes the checkpoint."""

    @property
    def over(self) -> bool: ...


class Unrecorded:
    """Pauses and ends the recording of one call. `CallState` has what survives a takeover."""

    def __init__(self, call: OnTheRecord) -> None:
        self._call = call
        self.changed = asyncio.Event()
        """Set when a pause begins or ends; whoever waits clears it."""
        self._blocks, self._paused = 0, False
        self._orphaned = call.state.unrecorded_since is not None
        """Whether the pause began in a process that died: the next block, or `resume`, ends it."""
        self._pauses: list[tuple[datetime, datetime]] = []
        self._words: list[str] = []
        self._digits = ""
        self._spoke_since: datetime | None = None
        self._stopped_speaking: datetime | None = None
        self._due = False

    # Pauses

    @property
    def active(self) -> bool:
        """True while nothing is recorded: in a pause, or after the end of the recording."""
        return self._call.state.unrecorded_since is not None

    @property
    def stopped(self) -> bool:
        """True once the recording has ended for the rest of the call."""
        return self._call.state.recording_stopped_at is not None

    async def pause(self) -> None:
        """See `Call.pause_recording`."""
        self._paused = True
        self._begin()

    async def resume(self) -> None:
        """See `Call.resume_recording`."""
        self._paused = self._orphaned = False
        await self._end()

    @contextlib.asynccontextmanager
    async def block(self) -> AsyncIterator[None]:
        """See `Call.unrecorded`."""
        self._blocks += 1
        self._begin()
        try:
            yield
        finally:
            self._blocks -= 1
            if not self._blocks:
                self._orphaned = False
            await self._end()

    async def stop(self, *, discard: bool = False) -> None:
        """See `Call.stop_recording`."""
        state = self._call.state
        state.recording_stopped_at = state.recording_stopped_at or now()
        if discard:
            state.recording_discarded = True
            self._forget()
        self._begin()
        if self._call.recorder:
            await self._call.recorder.close(discard=discard)
            self._call.save()  # it names the file, or none

    def _begin(self) -> None:
        if not self.active:
            self._call.state.unrecorded_since = now()
            self.changed.set()
        self._digits = ""
        self._call.save()  # the process may die before the next regular checkpoint

    @action
    async def _end(self) -> None:
        if self._wanted or not self.active:
            return
        try:
            await self._quiet()
        finally:
            since = self._call.state.unrecorded_since
            if since and not self._wanted:  # another pause may have begun meanwhile
                self._pauses.append((since, now()))
                self._call.state.unrecorded_since = None
                self.changed.set()

    @property
    def _wanted(self) -> bool:
        return bool(self._blocks) or self._paused or self._orphaned or self.stopped

    async def _quiet(self) -> None:
        """Wait until nobody speaks, at most QUIET_LIMIT seconds: it may be the last digit."""
        session, changed = self._call.session, asyncio.Event()
        if session is None or self._call.over:
            return

        def on_change(_: object) -> None:
            changed.set()

        session.on("user_state_changed", on_change)
        session.on("agent_state_changed", on_change)
        try:
            async with asyncio.timeout(QUIET_LIMIT):
                while "speaking" in (session.user_state, session.agent_state):
                    changed.clear()
                    await changed.wait()
        except TimeoutError:
            pass
        finally:
            session.off("user_state_changed", on_change)
            session.off("agent_state_changed", on_change)

    def _forget(self) -> None:
        """Remove what both sides have said so far from the call's state."""
        state = self._call.state
        for said in state.transcript:
            said.text = self._kept_out(said.text, joined=said.who == "caller")
        for tool in state.tools:
            tool.arguments = tool.result = ""
        for key in state.keys:
            key.digit = MASK
        for choice in state.menus:
            choice.menu = self._call.keypad.hide(choice.menu)
            choice.key, choice.choice = choice.key and MASK, 4 * MASK
        state.note = ""
        self._call.results.hide_again()

    # What is said

    def heard(self, text: str, since: datetime | None = None) -> str:
        """Return an utterance of the far end as the transcript may have it.

        `since` is when it began, where words arrive at once, as in a conversation in text.
        """
        began = self._spoke_since if self._due else None
        self._due = self._due and self._stopped_speaking is None
        self._spoke_since = now()  # of the rest of the speech, if it goes on
        if self._call.keypad.spoken.private:
            return self._kept_out(text, joined=True)  # misheard digits are words
        return self._written(text, since or (began or now()) - LATE, joined=True)

    def spoken(self, text: str, since: datetime) -> str:
        """Return an utterance of the persona, which began at `since`, in the same way."""
        return self._written(text, since, joined=False)

    def far_end_speaks(self, *, begins: bool) -> None:
        """Note that the far end begins to speak, or ends."""
        if begins:
            due = self._due and (
                self._stopped_speaking is None or now() - self._stopped_speaking < LATE
            )
            if not due:  # otherwise the next transcript is still of earlier speech
                self._spoke_since = now()
            self._due, self._stopped_speaking = True, None
        else:
            self._stopped_speaking = now()

    def _written(self, text: str, since: datetime, *, joined: bool) -> str:
        if self._covers(since):
            self._kept_out(text, joined=joined)
            self._call.results.hide_again()
            return MARK
        return self._call.keypad.hide(text)

    def _covers(self, since: datetime) -> bool:
        """Return whether anything from `since` to now was off the record."""
        return self.active or any(end > since for _, end in self._pauses)

    def _kept_out(self, text: str, *, joined: bool) -> str:
        """Keep words, and the numbers in them, out of all that is written from now on.

        `joined`: they may continue the number of the utterance before.
        """
        if text == MARK:
            return text
        self._words.append(text)
        self._call.keypad.keep_out(text)
        for run in digits_in(text):
            self._digits += run if joined else ""
            for number in {run, self._digits}:
                if len(number) >= SHORTEST_NUMBER:
                    self._call.keypad.keep_secret(number)
        return MARK

    # For the recording and the log

    def spans(self) -> Sequence[tuple[float, float]]:
        """Return the pauses, as seconds since the epoch; one that lasts has no end (infinity)."""
        since = self._call.state.unrecorded_since
        lasts = [(since.timestamp(), float("inf"))] if since else []
        return [*((began.timestamp(), ended.timestamp()) for began, ended in self._pauses), *lasts]

    def words(self) -> Sequence[str]:
        """Return what was said off the record: it must be in no log, whatever the settings.

        If anything was, the numbers that are private belong to it.
        """
        if not (self.active or self._words or self._pauses):
            return []
        return [*self._words, *self._call.keypad.secrets]
