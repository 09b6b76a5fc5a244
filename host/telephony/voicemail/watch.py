"""Watches an outbound call for machines, from before the dial to its end."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from livekit.agents import AMD, ConversationItemAddedEvent, llm

from host.call.answers import Continue
from host.call.hold_phrases import hold_in, is_recorded
from host.call.live import LiveCall
from host.call.state import AnsweredBy
from host.telephony.dial import NotAnswered
from host.telephony.far_end import LiveKitFarEnd
from host.telephony.voicemail.announcement import announced, explained, if_hung_up
from host.telephony.voicemail.opening import Opening
from host.telephony.voicemail.phrases import read
from host.telephony.voicemail.policy import Policy
from host.telephony.voicemail.question import ask
from host.telephony.voicemail.resume import resume
from host.telephony.voicemail.weighing import Evidence, Verdict, weigh

log = logging.getLogger("host")

SILENCE_PATIENCE = 4.0
"""Seconds in which a silent callee may still say something."""
LABEL_PATIENCE = 4.0
"""Seconds of silence after speech by which AMD must have a result."""
LISTEN_LIMIT = 20.0
"""Seconds after the answer at which we speak, even if the far end still does."""
SENTENCE_LIMIT = 5.0
"""Seconds that the far end gets to finish its sentence before we speak."""
EARLY_HELLO = 1.5
"""Seconds in which who spoke while keys were pressed may say more."""
BRIEF = 1.2
"""Seconds of speech, with the pause that ends it, that are too short for a machine's sentence."""
ANNOUNCEMENT_PAUSE = 1.5
"""Seconds of silence that end a network announcement for the question."""
LATE = 20.0
"""Seconds after the verdict in which a machine may still be detected."""


class Voicemail:
    """Detects what answered, applies the persona's policies, and keeps watching for a while."""

    def __init__(self, call: LiveCall, far_end: LiveKitFarEnd) -> None:
        assert call.session is not None
        self._call, self._far_end, self._session = call, far_end, call.session
        self._opening = Opening(call, far_end, call.session)
        self._policy = Policy(call, self._opening)
        self._label: AnsweredBy | None = None
        self._judged_at = self._opening.mark()
        self._greeted_whole = False
        self._deciding = False
        self._extension = call.persona_settings.ringing_timeout if call.dtmf else 0.0
        """Seconds in which an extension that was dialled by keys may answer."""

    @property
    def judges(self) -> bool:
        """True if the greeting waits for a verdict.

        Not for a Continue() policy, nor with a realtime model: AMD needs a text LLM.
        """
        return self._detects and isinstance(self._session.llm, llm.LLM)

    @property
    def _detects(self) -> bool:
        return not isinstance(self._call.voicemail_policy, Continue)

    async def judge(self, dial: Callable[[], Awaitable[None]]) -> Verdict:
        """Dial, and return what answered. Raises what `dial` raises."""
        try:
            return await self._judge(dial)
        except NotAnswered as unanswered:
            told = explained(unanswered.ending, self._opening.early_words)
            raise NotAnswered(told) from unanswered

    async def _judge(self, dial: Callable[[], Awaitable[None]]) -> Verdict:
        if not self.judges:
            await dial()
            await self._far_end.answered()
            return Verdict(AnsweredBy.HUMAN, "machine detection is off")
        dialling = asyncio.ensure_future(dial())
        try:
            verdict = await self._listen(dialling)
        except asyncio.CancelledError:
            if self._call.hangup_ending and (verdict := announced(self._opening)):
                self._policy.note(verdict)
            raise
        finally:
            dialling.cancel()
        if verdict is None:
            doubt = self._opening.evidence(self._label)
            verdict = await ask(self._call, self._opening, doubt)
        self._policy.note(verdict)
        if verdict.category is not AnsweredBy.ANNOUNCEMENT:
            self._call.hangup_ending = None
        if verdict.category in (AnsweredBy.HUMAN, AnsweredBy.UNCERTAIN):
            await self._opening.pause(SENTENCE_LIMIT)
        return verdict

    async def follow(self, verdict: Verdict) -> str | None:
        """Apply the policies; return the far end's words, None if that ended the call."""
        heard = await self._policy.follow(verdict)
        self._judged_at = self._opening.mark()
        return heard

    def keep_watching(self) -> None:
        """Keep watching for a machine during the conversation."""
        if self._detects:
            self._session.on("conversation_item_added", self._on_item)
            self._call.spawn(self._watch(), "listening for a late answering machine")

    async def meet_machine(self) -> None:
        """Verify the model's claim that a machine is on the line, and apply the policy."""
        await self._reconsider(AnsweredBy.MACHINE_VM)

    async def _listen(self, dialling: asyncio.Future[None]) -> Verdict | None:
        # AMD gives up after 5 s without sound, and some trunks take longer to dial: it starts at
        # the first sound, and itself waits for the answer.
        sound = asyncio.create_task(self._opening.sound.wait())
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
            participant_identity=self._far_end.identity or "",
            ivr_detection=False,
            suppress_compatibility_warning=True,
            detection_options={
                "no_speech_threshold": max(SILENCE_PATIENCE, self._extension),
                "timeout": LISTEN_LIMIT + self._extension,
            },
        )
        async with amd:
            await dialling
            await self._far_end.answered()
            return await self._first(amd)

    async def _first(self, amd: AMD) -> Verdict | None:
        """Wait for evidence or for AMD, whichever is first; None if still in doubt."""
        opening, until = self._opening, _now() + self._extension + LISTEN_LIMIT
        judged = asyncio.create_task(amd.execute())
        judged.add_done_callback(opening.stir)
        try:
            while True:
                if self._extension and self._extension_answered():
                    said_all = opening.words and not opening.spoke
                    self._extension = 0.0
                    until = _now() + (EARLY_HELLO if said_all else LISTEN_LIMIT)
                self._label = self._labelled(judged, expired=_now() >= until)
                # Some networks hang up right after an announcement.
                self._call.hangup_ending = if_hung_up(opening)
                verdict = weigh(opening.evidence(self._label))
                unread = opening.words_due if self._label and self._words_matter(verdict) else 0.0
                if (verdict or self._label) and not unread:
                    return verdict
                left = unread or until - _now()
                if opening.spoke and not opening.speaking and not self._extension:
                    left = min(left, LABEL_PATIENCE - opening.quiet)
                if opening.beeped and opening.words_due:
                    left = min(left, opening.words_due)
                await opening.stirs(left)
        finally:
            judged.cancel()
            await asyncio.gather(judged, return_exceptions=True)

    def _words_matter(self, verdict: Verdict | None) -> bool:
        """Return whether words that an STT is yet to send may change what follows from AMD."""
        opening = self._opening
        if opening.words or (verdict and opening.longest < BRIEF and not opening.beeped):
            return False  # "Yes?" is greeted at once
        provisional = opening.words_so_far
        if verdict is None or not provisional or hold_in(provisional):
            return True
        return weigh(Evidence(provisional, self._label, longest=0.0)) != verdict

    def _labelled(self, judged: asyncio.Task[Any], *, expired: bool) -> AnsweredBy | None:
        opening = self._opening
        if judged.done() and (error := judged.exception()):
            log.warning("answering machine detection failed: %s", error)
            return AnsweredBy.UNCERTAIN
        if judged.done():
            return AnsweredBy(judged.result().category.value)
        spoken = opening.spoke and not opening.speaking and opening.quiet >= LABEL_PATIENCE
        spoken = spoken and not self._extension
        return AnsweredBy.UNCERTAIN if spoken or expired else None

    def _extension_answered(self) -> bool:
        """Return whether who was dialled by keys is there, and not only what took the keys."""
        opening = self._opening
        early = opening.words_at_keys
        if early and not (is_recorded(early) or hold_in(early)):
            opening.take_words_at_keys()
        heard = opening.spoke and not opening.speaking and not opening.words_due
        return heard or bool(opening.words)

    async def _watch(self) -> None:
        """Detect a machine that is recognised only after the verdict."""
        opening, mark, until = self._opening, self._judged_at, _now() + LATE
        while (left := until - _now()) > 0:
            said = read(opening.words_since(mark))
            machine = said.voicemail or said.unavailable or said.screening or said.announcement
            if opening.beeped_since(mark) or (machine and not said.asks_back):
                await self._reconsider(None)
                mark = opening.mark()
            await opening.stirs(left)

    async def _reconsider(self, label: AnsweredBy | None) -> None:
        """Interrupt, check what is on the line, and apply the policies."""
        call = self._call
        if self._deciding or call.state.connected or call.over or call.hold.active:
            return  # on hold, a beep is part of the music
        self._deciding = True
        try:
            with self._call.hold_replies():
                await self._session.interrupt(force=True)
                greeted = self._greeted_whole  # the question that may follow is no greeting
                if read(self._opening.words).announcement:  # its rest is no answer
                    await self._opening.pause(LISTEN_LIMIT, silence=ANNOUNCEMENT_PAUSE)
                doubt = self._opening.evidence(label, late=True)
                verdict = weigh(doubt) or await ask(self._call, self._opening, doubt)
                if verdict.category is not AnsweredBy.HUMAN:
                    self._policy.note(verdict)
                heard = await self._policy.follow(verdict)
            if heard is not None:
                again = verdict.category is AnsweredBy.SCREENING or not greeted
                await resume(self._call, heard, greets=again)
        finally:
            self._deciding = False

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        item = event.item
        if isinstance(item, llm.ChatMessage) and item.role == "assistant":
            self._greeted_whole = self._greeted_whole or not item.interrupted


def _now() -> float:
    return asyncio.get_running_loop().time()
