"""Weighs what speaks for a person, for a machine and for a call screener. Pure.

A model's word alone proves no machine: a person who says something machine-like must neither be
hung up on nor be read a message. Proof is a beep after speech, or a machine's own phrases; where
there is neither, the far end is asked, and its answer decides.
"""

from __future__ import annotations

from dataclasses import dataclass

from host.voicemail.phrases import Reading, read

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
    label: str | None = None
    """What the model says: a category of LiveKit's AMD; None while it has not said anything."""
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
    """What answered, as CallRecord says, and what that was concluded from."""

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


def weigh(evidence: Evidence) -> Verdict | None:
    """Say who picked up; None where more must be heard, or the far end must be asked."""
    if evidence.answer is not None:
        verdict = _by_the_answer(evidence, evidence.answer)
    else:
        verdict = _by_proof(evidence) or _by_the_model(evidence)
    return verdict and Verdict(*verdict, transcript=evidence.words)


def _by_proof(evidence: Evidence) -> tuple[str, str] | None:
    said = read(evidence.words)
    if said.asks_back:
        return None  # whoever asks a question may be a person, whatever else was said
    if said.screening:
        return "screening", _said(said.screening)
    if evidence.late and not evidence.beep:
        return None  # a person may speak of voicemail, too
    if machine := _by_words(said):
        return machine
    if evidence.beep and not evidence.late:
        return "machine-vm", "a beep after the greeting"
    return None


def _by_words(said: Reading) -> tuple[str, str] | None:
    if said.unavailable:
        return "machine-unavailable", _said(said.unavailable)
    if said.voicemail:
        return "machine-vm", _said(said.voicemail)
    return None


def _by_the_model(evidence: Evidence) -> tuple[str, str] | None:
    said = read(evidence.words)
    if evidence.label is None or evidence.late:
        return None
    if evidence.beep or said.voicemail or said.unavailable:
        return None  # proof, and a question that only a person asks
    if said.asks_back:
        return "human", _said(said.asks_back)
    if evidence.label == "machine-ivr":
        return "machine-ivr", "the model heard a menu"
    if evidence.label not in ("human", "uncertain"):
        return None
    if said.suspicious or evidence.longest > LONG_SPEECH:
        return None
    return evidence.label, "the model heard a person" if evidence.label == "human" else "no proof"


def _by_the_answer(evidence: Evidence, answer: Answer) -> tuple[str, str] | None:
    said = read(answer.words)
    if said.asks_back:
        return "human", f"asked, {_said(said.asks_back)}"
    if said.screening:
        return "screening", f"asked, {_said(said.screening)}"
    if machine := _by_words(said):
        return machine[0], f"asked, {machine[1]}"
    if answer.beep:
        return "machine-vm", "asked, it beeped"
    if answer.longest > TALKS_ON and not said.replies:
        return "machine-vm", "asked, it talked on"
    if not answer.over:
        return None
    if answer.spoke or answer.words:
        return "human", "asked, it answered"
    full = evidence.label == "machine-unavailable" or bool(read(evidence.words).unavailable)
    return "machine-unavailable" if full else "machine-vm", "asked, it was silent"


def _said(phrase: str) -> str:
    return f"it said {phrase.lower().strip()!r}"
