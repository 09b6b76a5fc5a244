"""Who picked up, and what to do when it was a machine.

LiveKit's AMD listens to the greeting and judges it; a beep after speech is proof of its own. The
persona's policy decides what follows.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from livekit import rtc
from livekit.agents import AMD, UserStateChangedEvent, llm

from host.answers import Continue, HangUp, LeaveMessage
from host.beep import BeepDetector, listen
from host.call import Call, Ending
from host.line import Line
from host.outcome import Outcome

log = logging.getLogger("host")

SILENCE_PATIENCE = 4.0
"""Seconds in which somebody who picked up and says nothing may still say something."""
BEEP_PATIENCE = 4.0
"""Seconds of silence after a machine's greeting in which a beep may still come."""
MESSAGE_PATIENCE = 30.0
"""Seconds after which the message is spoken even if the machine talks on."""


@dataclass(frozen=True)
class Verdict:
    """What answered: human, machine-vm, machine-unavailable, machine-ivr or uncertain."""

    category: str
    reason: str
    transcript: str = ""

    @property
    def mailbox(self) -> bool:
        """True for an answering machine, whether or not it takes messages."""
        return self.category in ("machine-vm", "machine-unavailable")

    @property
    def takes_messages(self) -> bool:
        """False where the mailbox is full or not set up."""
        return self.category != "machine-unavailable"


class Voicemail:
    """Watches one outbound call for a machine, from before it is dialled to its end."""

    def __init__(self, call: Call, line: Line) -> None:
        assert call.session is not None
        self._call, self._line, self._session = call, line, call.session
        self._beep = BeepDetector()
        self._sound = asyncio.Event()
        self._session.on("user_state_changed", self._on_speech)
        line.room.on("track_subscribed", self._on_track)
        call.voicemail_watch = self

    @property
    def judges(self) -> bool:
        """True where somebody waits for a verdict before the first word.

        A persona whose policy is Continue() does not, and AMD needs a text model to think with.
        """
        continues = isinstance(self._call.voicemail_policy, Continue)
        return not continues and isinstance(self._session.llm, llm.LLM)

    async def judge(self, dial: Callable[[], Awaitable[None]]) -> Verdict:
        """Dial, and say what answered. Raises what `dial` raises."""
        if not self.judges:
            await dial()
            await self._line.answered()
            return Verdict("human", "nobody listened for a machine")
        dialling = asyncio.ensure_future(dial())
        try:
            verdict = await self._listen(dialling)
        finally:
            dialling.cancel()
        log.info("answered by %s (%s)", verdict.category, verdict.reason)
        self._call.voicemail = verdict.category
        return verdict

    async def _listen(self, dialling: asyncio.Future[None]) -> Verdict:
        # AMD gives up on a far end without sound after 5 s, and some trunks take longer to dial: it
        # begins when there is something to hear, and waits for the answer itself.
        sound = asyncio.create_task(self._sound.wait())
        either: list[asyncio.Future[Any]] = [dialling, sound]
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sound.cancel()
        if dialling.done():
            dialling.result()
        amd = AMD(
            self._session,
            llm=None,
            stt=None,
            participant_identity=self._line.identity or "",
            ivr_detection=False,
            suppress_compatibility_warning=True,
            detection_options={"no_speech_threshold": SILENCE_PATIENCE},
        )
        async with amd:
            await dialling
            await self._line.answered()
            return await self._first(amd)

    async def follow_policy(self, *, takes_messages: bool = True) -> None:
        """Do what the persona's policy says of a machine. It ends the call, unless it continues."""
        call, policy = self._call, self._call.voicemail_policy
        if isinstance(policy, LeaveMessage) and takes_messages:
            await self._leave(policy.text)
            call.end(Ending(Outcome.VOICEMAIL_LEFT, "persona", Outcome.VOICEMAIL_LEFT.sentence))
        elif isinstance(policy, LeaveMessage | HangUp):
            skipped = Outcome.VOICEMAIL_SKIPPED
            reason = skipped.sentence if takes_messages else "The mailbox takes no messages."
            call.end(Ending(skipped, "persona", reason))

    async def _first(self, amd: AMD) -> Verdict:
        """Wait for AMD's verdict or for a beep after speech, whichever comes first."""
        judged = asyncio.create_task(amd.execute())
        beeped = asyncio.create_task(self._beep.heard.wait())
        try:
            await asyncio.wait({judged, beeped}, return_when=asyncio.FIRST_COMPLETED)
            if judged.done():
                event = judged.result()
                return Verdict(event.category.value, event.reason, event.transcript)
            return Verdict("machine-vm", "a beep after the greeting")
        finally:
            judged.cancel()
            beeped.cancel()
            await asyncio.gather(judged, beeped, return_exceptions=True)

    async def _leave(self, message: str) -> None:
        """Wait for the beep, or for silence where none comes; speak the message from its start."""
        self._call.greeted = False  # whatever the machine still says is not answered
        await self._session.interrupt(force=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(MESSAGE_PATIENCE):
                await self._turn_to_speak()
        await self._call.say(message, interruptible=False)

    async def _turn_to_speak(self) -> None:
        """Return at the end of a beep, or when the line has been silent for a while."""
        stirred = asyncio.Event()

        def stir(event: UserStateChangedEvent) -> None:
            stirred.set()

        self._session.on("user_state_changed", stir)
        try:
            while True:
                stirred.clear()
                limit = None if self._session.user_state == "speaking" else BEEP_PATIENCE
                waits = [
                    asyncio.create_task(self._beep.heard.wait()),
                    asyncio.create_task(stirred.wait()),
                ]
                first = asyncio.FIRST_COMPLETED
                done, waiting = await asyncio.wait(waits, timeout=limit, return_when=first)
                for wait in waiting:
                    wait.cancel()
                if not done or self._beep.heard.is_set():
                    return
        finally:
            self._session.off("user_state_changed", stir)

    def _on_speech(self, event: UserStateChangedEvent) -> None:
        """Speech arms the detector, and makes a beep before it one of the greeting's own."""
        if event.new_state == "speaking":
            self._beep.armed = True
            self._beep.heard.clear()

    def _on_track(
        self,
        track: rtc.Track,
        publication: rtc.RemoteTrackPublication,
        participant: rtc.RemoteParticipant,
    ) -> None:
        far_end = participant.identity == self._line.identity
        if far_end and track.kind == rtc.TrackKind.KIND_AUDIO:
            self._sound.set()
            self._call.spawn(listen(self._beep, track), "listening for a beep")
