"""Classifies a transcript: networks, machines and call screeners speak in set phrases.

A phrase that only machines say is proof; one that people say too is only suspicious. Each language
is a module of regular expressions by kind, matched without regard to case.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from host.base.phrases import any_of, plain
from host.call.hold_phrases import offers_menu
from host.telephony.voicemail.phrases import english, french, german, spanish

_LANGUAGES: Sequence[Mapping[str, Sequence[str]]] = (
    english.PHRASES,
    german.PHRASES,
    spanish.PHRASES,
    french.PHRASES,
)


@dataclass(frozen=True)
class Reading:
    """The phrase found for each kind; empty if none."""

    screening: str = ""
    """A call screener asks for name and reason."""
    screening_service: str = ""
    """What only a screening service says, even if it asks like a person."""
    unavailable: str = ""
    """A machine that takes no messages."""
    voicemail: str = ""
    """A machine that takes messages."""
    not_in_service: str = ""
    """A network announcement: the number does not exist."""
    engaged: str = ""
    """A network announcement: the line is busy."""
    unreachable: str = ""
    """A network announcement: the callee can't be reached now."""
    closed: str = ""
    """An announcement of opening hours: nobody is there now."""
    queue: str = ""
    """We are asked to stay on the line."""
    suspicious: str = ""
    """Said by machines and by people."""
    asks_back: str = ""
    """A question that only a listening person asks."""
    replies: str = ""
    """An answer to "is anybody there?"."""
    holds: str = ""
    """A person or a screener asks us to wait."""
    acknowledges: str = ""
    """A screener has heard our answer."""
    picks_up: str = ""
    """Somebody comes on the line: "Hello?"."""
    probes: str = ""
    """A screener asks a further question: "Can you tell me more?"."""
    wonders: str = ""
    """A screener, or a person who has picked up, asks who is calling."""
    turns_away: str = ""
    """A screener declines the call."""
    calls_back: str = ""
    """A name and a number are asked for, to call back."""
    tone: str = ""
    """A tone is announced."""

    @property
    def announcement(self) -> str:
        """The phrase of a network's announcement, or a closed office's; empty if none."""
        return self.not_in_service or self.engaged or self.unreachable or self.closed


_KINDS = {
    field.name: any_of(each for language in _LANGUAGES for each in language.get(field.name, ()))
    for field in fields(Reading)
}


def read(words: str) -> Reading:
    """Classify a transcript, in any of the languages."""
    said = plain(words)
    found = {kind: pattern.search(said) for kind, pattern in _KINDS.items()}
    phrases = {kind: match[0].strip() if match else "" for kind, match in found.items()}
    if phrases["screening"] and phrases["calls_back"]:
        # "State your name, number and reason for calling, and I will call you back."
        phrases["voicemail"] = phrases["voicemail"] or phrases["screening"]
        phrases["screening"] = ""
    if phrases["screening_service"]:  # "Before I connect you, can I ask what this is about?"
        phrases["screening"] = phrases["screening"] or phrases["screening_service"]
        phrases["asks_back"] = ""
    if phrases["queue"] or offers_menu(said):  # "We are closed. For an emergency, press one."
        phrases["closed"] = ""
    if phrases["queue"]:  # "All our lines are busy, please hold": a company, not a network
        phrases["not_in_service"] = phrases["engaged"] = phrases["unreachable"] = ""
    return Reading(**phrases)
