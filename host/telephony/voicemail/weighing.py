"""Weighs evidence for a person, a machine, a call screener or a network. Pure: no I/O.

The model's classification alone is not proof: a person who sounds like a machine must not be hung
up on or read a message. Proof is a beep after speech, or a set phrase of a machine or a network.
Without proof, the far end is asked and its answer decides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from host.call.hold_phrases import is_recorded
from host.call.state import AnsweredBy
from host.telephony.voicemail.phrases import Reading, read

DOTS = "\N{HORIZONTAL ELLIPSIS}"
"""Replaces words that may not be disclosed."""
LONG_SPEECH = 10.0
"""Seconds of uninterrupted speech after which even a "person" is asked."""
TALKS_ON = 8.0
"""Seconds for which only a machine keeps talking after a question."""


@dataclass(frozen=True)
class Answer:
    """What followed the question whether somebody is there."""

    words: str = ""
    spoke: bool = False
    longest: float = 0.0
    """Seconds of the longest speech without a pause."""
    beep: bool = False
    over: bool = False
    """Whether the answer is complete."""


@dataclass(frozen=True)
class Evidence:
    """The evidence about what answered."""

    words: str = ""
    label: AnsweredBy | None = None
    """The result of LiveKit's AMD; None while there is none."""
    beep: bool = False
    """Whether a beep followed speech, and was followed by silence."""
    longest: float = 0.0
    """Seconds of the longest speech without a pause."""
    late: bool = False
    """Whether the persona has spoken, so that a person may have been replying to it."""
    on_hold: bool = False
    """Whether the far end has put the call on hold."""
    answer: Answer | None = None
    """What followed the question, if it was asked."""


@dataclass(frozen=True)
class Verdict:
    """What answered, and why that was concluded."""

    category: AnsweredBy
    reason: str
    phrase: str = ""
    """The decisive words, which are part of the call's transcript."""
    transcript: str = ""

    def describe(self, *, words: bool) -> str:
        """Return the reason; `words`: whether it may quote the transcript."""
        phrase = repr(self.phrase) if words else DOTS
        return f"{self.reason} {phrase}" if self.phrase else self.reason

    @property
    def mailbox(self) -> bool:
        """True for an answering machine, whether or not it takes messages."""
        return self.category in (AnsweredBy.MACHINE_VM, AnsweredBy.MACHINE_UNAVAILABLE)

    @property
    def takes_messages(self) -> bool:
        """False if the mailbox is full or not set up."""
        return self.category is not AnsweredBy.MACHINE_UNAVAILABLE


def weigh(evidence: Evidence) -> Verdict | None:
    """Return what answered; None if more must be heard, or the far end must be asked."""
    if evidence.answer is not None:
        verdict = _by_the_answer(evidence, evidence.answer)
    else:
        verdict = _by_proof(evidence) or _by_the_model(evidence)
    return verdict and replace(verdict, transcript=evidence.words)


def _by_proof(evidence: Evidence) -> Verdict | None:
    said = read(evidence.words)
    if said.asks_back and not evidence.on_hold:
        return None  # a question points to a person, whatever else was said
    if said.screening:
        return _said(AnsweredBy.SCREENING, said.screening)
    if evidence.on_hold and not _by_words(said):
        return _on_hold(evidence.words)
    if evidence.late and not evidence.beep:
        return None  # a person may mention voicemail or an announcement too
    if machine := _by_words(said):
        return machine
    if evidence.beep and not evidence.late:
        return Verdict(AnsweredBy.MACHINE_VM, "a beep after the greeting")
    return None


def _by_words(said: Reading) -> Verdict | None:
    if said.unavailable:
        return _said(AnsweredBy.MACHINE_UNAVAILABLE, said.unavailable)
    if said.voicemail:
        return _said(AnsweredBy.MACHINE_VM, said.voicemail)
    if said.announcement:  # the last: "... is not available. Please leave a message."
        return _said(AnsweredBy.ANNOUNCEMENT, said.announcement)
    return None


def _by_the_model(evidence: Evidence) -> Verdict | None:
    said = read(evidence.words)
    if evidence.label is None or evidence.late:
        return None
    if evidence.beep or said.voicemail or said.unavailable or said.announcement:
        return None  # contradictory: proof of a machine, and a question that only a person asks
    if said.asks_back:
        return _said(AnsweredBy.HUMAN, said.asks_back)
    if evidence.label is AnsweredBy.MACHINE_IVR:
        return Verdict(AnsweredBy.MACHINE_IVR, "the model heard a menu")
    if evidence.label not in (AnsweredBy.HUMAN, AnsweredBy.UNCERTAIN):
        return None
    if said.suspicious or evidence.longest > LONG_SPEECH:
        return None
    person = evidence.label is AnsweredBy.HUMAN
    reason = "the model heard a person" if person else "no evidence of a machine"
    return Verdict(evidence.label, reason)


def _by_the_answer(evidence: Evidence, answer: Answer) -> Verdict | None:
    said = read(answer.words)
    if evidence.on_hold and not (said.screening or _by_words(said)):
        return _answered(_on_hold(answer.words))
    if said.asks_back:
        return _answered(_said(AnsweredBy.HUMAN, said.asks_back))
    if said.screening:
        return _answered(_said(AnsweredBy.SCREENING, said.screening))
    if machine := _by_words(said):
        return _answered(machine)
    if answer.beep:
        return Verdict(AnsweredBy.MACHINE_VM, "when asked, it beeped")
    if answer.longest > TALKS_ON and not said.replies:
        return Verdict(AnsweredBy.MACHINE_VM, "when asked, it kept talking")
    if not answer.over:
        return None
    if answer.spoke or answer.words:
        return Verdict(AnsweredBy.HUMAN, "when asked, it answered")
    before = read(evidence.words)
    if before.announcement and not (before.voicemail or before.unavailable):
        silent = AnsweredBy.ANNOUNCEMENT
        return Verdict(silent, "when asked, it stayed silent after", before.announcement.lower())
    full = bool(before.unavailable) or evidence.label is AnsweredBy.MACHINE_UNAVAILABLE
    silent = AnsweredBy.MACHINE_UNAVAILABLE if full else AnsweredBy.MACHINE_VM
    return Verdict(silent, "when asked, it stayed silent")


def _on_hold(words: str) -> Verdict:
    category = AnsweredBy.MACHINE_IVR if is_recorded(words) else AnsweredBy.HUMAN
    return Verdict(category, "it put the call on hold")


def _said(category: AnsweredBy, phrase: str) -> Verdict:
    return Verdict(category, "it said", phrase.lower().strip())


def _answered(verdict: Verdict) -> Verdict:
    return replace(verdict, reason=f"when asked, {verdict.reason}")
