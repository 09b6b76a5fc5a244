"""Weighs what speaks for a person, for a machine and for a call screener. Pure.

A model's word alone proves no machine: a person who says something machine-like must neither be
hung up on nor be read a message. Proof is a beep after speech, or a machine's own phrases; where
there is neither, the far end is asked, and its answer decides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from host.call.state import AnsweredBy
from host.telephony.voicemail.phrases import Reading, read

DOTS = "\N{HORIZONTAL ELLIPSIS}"
"""Stands for words that are not told."""
LONG_SPEECH = 10.0
"""Seconds without a pause after which even a "person" is asked whether it is one."""
TALKS_ON = 8.0
"""Seconds for which only a machine talks on that was asked a question."""


@dataclass(frozen=True)
class Answer:
    """What came after the question whether somebody is there."""

    words: str = ""
    spoke: bool = False
    longest: float = 0.0
    """Seconds of the longest speech without a pause."""
    beep: bool = False
    over: bool = False
    """Whether nothing more is waited for."""


@dataclass(frozen=True)
class Evidence:
    """What is known of whoever picked up."""

    words: str = ""
    label: AnsweredBy | None = None
    """What the model says, by LiveKit's AMD; None while it has not said anything."""
    beep: bool = False
    """Whether a beep came after speech, and silence after it."""
    longest: float = 0.0
    """Seconds of the longest speech without a pause."""
    late: bool = False
    """Whether the persona has spoken already, so that a person may have been talking with it."""
    answer: Answer | None = None
    """What came after the question, where it was asked."""


@dataclass(frozen=True)
class Verdict:
    """What answered, and what that was concluded from."""

    category: AnsweredBy
    reason: str
    phrase: str = ""
    """The words that gave it away: they are part of what was said in the call."""
    transcript: str = ""

    def told(self, *, words: bool) -> str:
        """Give the reason, with the words themselves only where those may be told."""
        phrase = repr(self.phrase) if words else DOTS
        return f"{self.reason} {phrase}" if self.phrase else self.reason

    @property
    def mailbox(self) -> bool:
        """True for an answering machine, whether or not it takes messages."""
        return self.category in (AnsweredBy.MACHINE_VM, AnsweredBy.MACHINE_UNAVAILABLE)

    @property
    def takes_messages(self) -> bool:
        """False where the mailbox is full or not set up."""
        return self.category is not AnsweredBy.MACHINE_UNAVAILABLE


def weigh(evidence: Evidence) -> Verdict | None:
    """Say who picked up; None where more must be heard, or the far end must be asked."""
    if evidence.answer is not None:
        verdict = _by_the_answer(evidence, evidence.answer)
    else:
        verdict = _by_proof(evidence) or _by_the_model(evidence)
    return verdict and replace(verdict, transcript=evidence.words)


def _by_proof(evidence: Evidence) -> Verdict | None:
    said = read(evidence.words)
    if said.asks_back:
        return None  # whoever asks a question may be a person, whatever else was said
    if said.screening:
        return _said(AnsweredBy.SCREENING, said.screening)
    if evidence.late and not evidence.beep:
        return None  # a person may speak of voicemail, too
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
    return None


def _by_the_model(evidence: Evidence) -> Verdict | None:
    said = read(evidence.words)
    if evidence.label is None or evidence.late:
        return None
    if evidence.beep or said.voicemail or said.unavailable:
        return None  # proof, and a question that only a person asks
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
    unavailable = bool(read(evidence.words).unavailable)
    full = unavailable or evidence.label is AnsweredBy.MACHINE_UNAVAILABLE
    silent = AnsweredBy.MACHINE_UNAVAILABLE if full else AnsweredBy.MACHINE_VM
    return Verdict(silent, "when asked, it stayed silent")


def _said(category: AnsweredBy, phrase: str) -> Verdict:
    return Verdict(category, "it said", phrase.lower().strip())


def _answered(verdict: Verdict) -> Verdict:
    return replace(verdict, reason=f"when asked, {verdict.reason}")
