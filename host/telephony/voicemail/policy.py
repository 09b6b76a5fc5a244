"""Applies the persona's voicemail and screening policies."""

from __future__ import annotations

import logging

from host.call.answers import Continue, HangUp, LeaveMessage
from host.call.live import LiveCall
from host.call.state import AnsweredBy
from host.records.ending import Ending
from host.records.outcome import Outcome
from host.telephony.voicemail.announcement import ending_of, hear_out
from host.telephony.voicemail.message import Turn, our_turn
from host.telephony.voicemail.opening import Opening
from host.telephony.voicemail.screening import Screened, Through, identify
from host.telephony.voicemail.weighing import Verdict

log = logging.getLogger("host")

_FULL = "voicemail answered but takes no messages"
_HUNG_UP = "voicemail hung up before the message was left"
_NOTHING = "something answered that neither spoke words nor beeped"
_SCREENED = "a call screener answered"
_DECLINED = "a call screener answered and declined the call"


class Policy:
    """The policies of one call. Each ends the call or lets the conversation begin."""

    def __init__(self, call: LiveCall, opening: Opening) -> None:
        self._call, self._opening = call, opening

    def note(self, verdict: Verdict) -> None:
        """Log and record what answered; a screener stays one, whatever answers after it."""
        call = self._call
        reason = verdict.describe(words=call.settings.log_transcripts)
        log.info("answered by %s (%s)", verdict.category, reason)
        if call.state.voicemail is AnsweredBy.SCREENING:
            call.state.voicemail_reason = f"{call.state.voicemail_reason}; then {verdict.category}"
        else:
            call.state.voicemail = verdict.category
            call.state.voicemail_reason = verdict.describe(
                words=call.persona_settings.record_transcripts
            )

    async def follow(self, verdict: Verdict) -> str | None:
        """Apply the policy; return the far end's words if a greeting follows, None if it ended."""
        if verdict.mailbox:
            return await self._machine(takes_messages=verdict.takes_messages)
        if verdict.category is AnsweredBy.SCREENING:
            return await self._screener()
        if verdict.category is AnsweredBy.ANNOUNCEMENT:
            return await self._announcement(verdict)
        return self._opening.words

    async def _machine(self, *, takes_messages: bool) -> str | None:
        call, policy = self._call, self._call.voicemail_policy
        if isinstance(policy, Continue):
            return self._opening.words
        if isinstance(policy, HangUp):
            self._skip(Outcome.VOICEMAIL_SKIPPED.description if takes_messages else _FULL)
            return None
        assert call.session is not None
        await call.session.interrupt(force=True)
        call.hangup_ending = Ending(Outcome.VOICEMAIL_SKIPPED, "far end", _HUNG_UP)
        with call.hold_replies():
            turn = await our_turn(call, self._opening, policy) if takes_messages else Turn.FULL
            if turn is Turn.SPEAK:
                await self._leave(policy)
        call.hangup_ending = None
        if turn is Turn.FULL:
            self._skip(_FULL)
        if turn is Turn.PERSON:
            self.note(Verdict(AnsweredBy.HUMAN, "a person picked up while the machine was talking"))
        return self._opening.words if turn is Turn.PERSON else None

    async def _leave(self, policy: LeaveMessage) -> None:
        call = self._call
        assert call.session is not None
        await call.session.interrupt(force=True)  # an author's agent may have started to reply
        await call.say(policy.text, interruptible=False)
        if self._opening.answered:
            left = Outcome.VOICEMAIL_LEFT
            call.end(Ending(left, "persona", left.description))
        else:
            call.end(Ending(Outcome.NO_ANSWER, "persona", _NOTHING))

    async def _announcement(self, verdict: Verdict) -> str | None:
        """Say nothing to a network; it is no machine, so no policy of the persona applies."""
        call = self._call
        call.hangup_ending = ending_of(self._opening.words, "far end")
        with call.hold_replies():
            heard = await hear_out(self._opening, verdict)
        call.hangup_ending = None
        if heard.category is not AnsweredBy.ANNOUNCEMENT:
            self.note(heard)
            return await self.follow(heard)
        call.end(ending_of(self._opening.words, "host"))
        return None

    async def _screener(self) -> str | None:
        call, policy = self._call, self._call.screening_policy
        if isinstance(policy, Continue):
            return self._opening.words
        if isinstance(policy, HangUp):
            self._skip(_SCREENED)
            return None
        with call.hold_replies():
            through = await identify(call, self._opening, policy)
        log.info("result of the call screening: %s", through.result)
        if through.result is Screened.PERSON:
            return through.words
        return await self._turned_away(through, policy.max_wait)

    async def _turned_away(self, through: Through, waited: float) -> str | None:
        if through.machine:
            verdict = Verdict(through.machine, "after a call screener")
            self.note(verdict)
            return await self.follow(verdict)
        if through.result is Screened.DECLINED:
            self._call.end(Ending(Outcome.DECLINED, "far end", _DECLINED))
        else:
            reason = f"a call screener answered and put no person through within {waited:.0f} s"
            self._call.end(Ending(Outcome.NO_ANSWER, "host", reason))
        return None

    def _skip(self, reason: str) -> None:
        self._call.end(Ending(Outcome.VOICEMAIL_SKIPPED, "persona", reason))
