"""Observes the far end after the answer: words, speech, pauses and beeps."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any, Protocol

from livekit import rtc
from livekit.agents import AgentSession, UserInputTranscribedEvent, UserStateChangedEvent

from host.call.live import LiveCall
from host.call.state import AnsweredBy, CallStatus
from host.telephony.voicemail.beep import BeepDetector, listen
from host.telephony.voicemail.speech import Speech
from host.telephony.voicemail.weighing import Answer, Evidence

WORDS_PATIENCE = 2.0
"""Seconds of silence in which the transcript of earlier speech may arrive."""


@dataclass(frozen=True)
class Mark:
    """A moment in an opening, to compare with later."""

    words: int
    at: float
    beeps: int


class Party(Protocol):
    """Who is observed: the far end, or a colleague who is called into its room."""

    @property
    def room(self) -> rtc.Room:
        """LiveKit's room, which they are in or will join."""
        ...

    @property
    def identity(self) -> str | None:
        """Its participant identity."""
        ...


class Opening:
    """Observes one party. Of the sound before the answer, only `early_words` are kept."""

    def __init__(self, call: LiveCall, far_end: Party, session: AgentSession[Any]) -> None:
        self._call, self._far_end, self._session = call, far_end, session
        self._words: list[str] = []
        self._spoken: list[float] = []
        """When each of them was spoken at the latest: a transcript may be late."""
        self._interim = ""
        self._early: list[str] = []
        self._at_keys: list[str] = []
        self._speech = Speech()
        self._unread = False
        self._beeps = 0
        self._beep = BeepDetector()
        self._stirred = asyncio.Event()
        self.sound = asyncio.Event()
        """Set once the far end's audio track is subscribed, answered or not."""
        session.on("user_input_transcribed", self._on_words)
        session.on("user_state_changed", self._on_state)
        far_end.room.on("track_subscribed", self._on_track)

    @property
    def words(self) -> str:
        """The transcript so far."""
        return " ".join(self._words)

    @property
    def words_so_far(self) -> str:
        """The transcript so far, with the interim one of an unfinished utterance."""
        return f"{self.words} {self._interim}".strip()

    @property
    def early_words(self) -> str:
        """The transcript of the network's early media, before an answer."""
        return " ".join(self._early)

    @property
    def words_at_keys(self) -> str:
        """The transcript while LiveKit SIP pressed the keys of the dial."""
        return " ".join(self._at_keys)

    @property
    def answered(self) -> bool:
        """True once the far end has said words or beeped: a line that is only noisy has not."""
        return bool(self._words or self._beeps)

    @property
    def speaking(self) -> bool:
        """True while the far end speaks."""
        return self._speech.now

    @property
    def spoke(self) -> bool:
        """True once the far end has spoken."""
        return self._speech.begun

    @property
    def beeped(self) -> bool:
        """True after a beep that no speech has followed."""
        return self._beep.heard.is_set()

    @property
    def beeps(self) -> int:
        """Beeps that no speech has followed."""
        return self._beep.count if self.beeped else 0

    @property
    def since_beep(self) -> float:
        """Seconds since the last beep."""
        return self._beep.since

    @property
    def quiet(self) -> float:
        """Seconds since the far end last spoke; 0 while it speaks."""
        return self._speech.quiet

    @property
    def longest(self) -> float:
        """Seconds of the longest speech without a pause."""
        return self._speech.longest()

    @property
    def words_due(self) -> float:
        """Seconds in which a transcript may still arrive; 0 if none is due."""
        return max(0.0, WORDS_PATIENCE - self.quiet) if self._unread else 0.0

    def take_words_at_keys(self) -> None:
        """Count them as words after the answer: a person has said them."""
        self._words, taken = self._at_keys + self._words, len(self._at_keys)
        self._spoken, self._at_keys = [_now()] * taken + self._spoken, []
        self._speech.was()

    def mark(self) -> Mark:
        """Return the current moment."""
        return Mark(len(self._words), _now(), self._beeps)

    def words_since(self, mark: Mark) -> str:
        """Return the transcript since `mark`, of earlier speech as well."""
        return " ".join(self._words[mark.words :])

    def said_since(self, mark: Mark) -> str:
        """Return the transcript of what was spoken since `mark`."""
        since = zip(self._words[mark.words :], self._spoken[mark.words :], strict=True)
        return " ".join(words for words, at in since if at > mark.at)

    def last_since(self, mark: Mark) -> str:
        """Return the last utterance since `mark`; empty if none."""
        return self._words[-1] if len(self._words) > mark.words else ""

    def beeped_since(self, mark: Mark) -> bool:
        """True after a beep since `mark` that no speech has followed."""
        return self.beeped and self._beeps > mark.beeps

    def evidence(self, label: AnsweredBy | None, *, late: bool = False) -> Evidence:
        """Return the evidence so far, with the model's `label`."""
        # Screeners beep too, so a beep counts only once the preceding words are transcribed.
        beep = self.beeped and not self.words_due
        on_hold = self._call.hold.active
        return Evidence(self.words, label, beep, self.longest, late, on_hold)

    def answer(self, mark: Mark, *, over: bool) -> Answer:
        """Return what followed the question asked at `mark`."""
        longest = self._speech.longest(mark.at)
        beep = self.beeped_since(mark) and (over or not self.words_due)
        return Answer(self.said_since(mark), longest > 0, longest, beep, over)

    def stir(self, *_: object) -> None:
        """Wake `stirs`."""
        self._stirred.set()

    async def stirs(self, limit: float | None = None) -> bool:
        """Wait until the far end does anything, at most `limit` seconds; False on timeout.

        Check its state first and do not await in between: earlier events do not wake this.
        """
        self._stirred.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stirred.wait(), limit)
        return self._stirred.is_set()

    async def pause(self, limit: float, *, silence: float = 0.0) -> None:
        """Wait for so many seconds of silence of the far end, at most `limit` seconds."""
        until = _now() + limit
        while (left := until - _now()) > 0:
            if not self.speaking:
                left = min(left, silence - self.quiet)
            if left <= 0:
                return
            await self.stirs(left)

    def _on_words(self, event: UserInputTranscribedEvent) -> None:
        if not event.transcript.strip():
            return
        if not self._call.state.answered:
            at_keys = self._call.state.status is CallStatus.AUTOMATION
            if event.is_final:
                (self._at_keys if at_keys else self._early).append(event.transcript.strip())
            return
        self._unread = not event.is_final
        self._interim = "" if event.is_final else event.transcript
        if event.is_final:
            self._words.append(event.transcript.strip())
            self._spoken.append(self._speech.transcribed())
            if not self._speech.begun:  # no VAD, so the end of speech is not known
                self._speech.was()
        self._stirred.set()

    def _on_state(self, event: UserStateChangedEvent) -> None:
        if event.new_state == "speaking" and self._call.state.answered:
            self._beep.speech()
            self._unread = True
            self._speech.begins()
        else:
            self._speech.ends()
        self._stirred.set()

    def _on_track(
        self,
        track: rtc.Track,
        publication: rtc.RemoteTrackPublication,
        participant: rtc.RemoteParticipant,
    ) -> None:
        from_far_end = participant.identity == self._far_end.identity
        if from_far_end and track.kind == rtc.TrackKind.KIND_AUDIO:
            self.sound.set()
            self._call.spawn(listen(self._beep, track), "listening for a beep")
            self._call.spawn(self._await_beeps(), "waiting for a beep")

    async def _await_beeps(self) -> None:
        while True:
            await self._beep.heard.wait()
            self._beeps += 1
            self._stirred.set()
            await self._beep.voided.wait()


def _now() -> float:
    return asyncio.get_running_loop().time()
