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

from livekit import rtc
from livekit.agents import AMD, llm
from livekit.agents.voice.events import UserStateChangedEvent

from host.answers import Continue, HangUp, LeaveMessage
from host.beep import BeepDetector, listen
from host.call import Call, Ending
from host.line import Line
from host.outcome import Outcome

log = logging.getLogger("host")

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


async def dial_and_judge(call: Call, line: Line, dial: Callable[[], Awaitable[None]]) -> Verdict:
    """Dial, and say what answered. Raises what `dial` raises.

    A persona whose policy is Continue() waits for no verdict, and neither does one whose model
    speaks for itself: AMD needs a text model.
    """
    session = call.session
    assert session is not None
    policy = call.voicemail_policy
    if isinstance(policy, Continue) or not isinstance(session.llm, llm.LLM):
        await dial()
        await line.answered()
        return Verdict("human", "nobody listened for a machine")
    beep = _watch_for_beep(call, line)
    judge = AMD(
        session,
        llm=None,
        stt=None,
        participant_identity=line.identity or "",
        ivr_detection=False,
        suppress_compatibility_warning=True,
    )
    async with judge:
        await dial()
        await line.answered()
        verdict = await _first(judge, beep)
    log.info("answered by %s (%s)", verdict.category, verdict.reason)
    call.voicemail = verdict.category
    return verdict


async def _first(judge: AMD, beep: BeepDetector) -> Verdict:
    """Wait for AMD's verdict or for a beep after speech, whichever comes first."""
    judged = asyncio.create_task(judge.execute())
    beeped = asyncio.create_task(beep.heard.wait())
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


async def follow_policy(call: Call, line: Line, *, mailbox_open: bool = True) -> None:
    """Do what the persona's policy says of a machine: it ends the call, or lets it go on."""
    policy = call.voicemail_policy
    if isinstance(policy, LeaveMessage) and mailbox_open:
        await _leave(call, policy.text)
        call.end(Ending(Outcome.VOICEMAIL_LEFT, "persona", Outcome.VOICEMAIL_LEFT.sentence))
    elif isinstance(policy, LeaveMessage | HangUp):
        reason = Outcome.VOICEMAIL_SKIPPED.sentence
        if not mailbox_open:
            reason = "The mailbox takes no messages."
        call.end(Ending(Outcome.VOICEMAIL_SKIPPED, "persona", reason))


async def _leave(call: Call, message: str) -> None:
    """Wait for the beep, or for silence where none comes, and speak the message from its start."""
    session = call.session
    assert session is not None
    call.greeted = False  # whatever the machine still says is not answered
    await session.interrupt(force=True)
    beep: BeepDetector | None = getattr(call.state, "_beep", None)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(MESSAGE_PATIENCE):
            await _turn_to_speak(call, beep)
    await call.say(message, interruptible=False)


async def _turn_to_speak(call: Call, beep: BeepDetector | None) -> None:
    """Return at the end of a beep, or when the line has been silent for a while."""
    session = call.session
    assert session is not None
    spoke = asyncio.Event()

    def stirred(event: UserStateChangedEvent) -> None:
        spoke.set()

    session.on("user_state_changed", stirred)
    try:
        while not (beep and beep.heard.is_set()):
            spoke.clear()
            quiet = session.user_state != "speaking"
            waits = [asyncio.create_task(spoke.wait())]
            if beep:
                waits.append(asyncio.create_task(beep.heard.wait()))
            limit = BEEP_PATIENCE if quiet else None
            done, _ = await asyncio.wait(waits, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()
            if not done:
                return
    finally:
        session.off("user_state_changed", stirred)


def _watch_for_beep(call: Call, line: Line) -> BeepDetector:
    """Listen for a beep for as long as the call lasts; speech arms the detector."""
    detector = BeepDetector()
    call.state._beep = detector
    session, room = call.session, line.room
    assert session is not None

    def stirred(event: UserStateChangedEvent) -> None:
        if event.new_state == "speaking":
            detector.armed = True
            detector.forget()

    def heard(
        track: rtc.Track,
        publication: rtc.RemoteTrackPublication,
        participant: rtc.RemoteParticipant,
    ) -> None:
        if participant.identity == line.identity and track.kind == rtc.TrackKind.KIND_AUDIO:
            call.spawn(listen(detector, track), "listening for a beep")

    session.on("user_state_changed", stirred)
    room.on("track_subscribed", heard)
    return detector
