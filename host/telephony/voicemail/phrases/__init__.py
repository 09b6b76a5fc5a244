"""What the words of an opening give away: machines and call screeners speak in set phrases.

What is listed as a machine's own is hardly ever said by somebody who has just picked up; what many
people say as well is only suspicious. A language is one module: regular expressions by what they
give away, matched in any case.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from host.telephony.voicemail.phrases import english, french, german, spanish

_LANGUAGES: Sequence[Mapping[str, Sequence[str]]] = (
    english.PHRASES,
    german.PHRASES,
    spanish.PHRASES,
    french.PHRASES,
)


@dataclass(frozen=True)
class Reading:
    """What words give away; each is the phrase that does, or empty."""

    screening: str = ""
    """A call screener asks for a name and a reason."""
    unavailable: str = ""
    """A machine that takes no messages."""
    voicemail: str = ""
    """A machine that takes messages."""
    suspicious: str = ""
    """Machines say it, and people as well."""
    asks_back: str = ""
    """A question that only somebody who listens asks."""
    replies: str = ""
    """How people answer when they are asked whether they are there."""
    holds: str = ""
    """Somebody, or a screener, asks to wait."""
    turns_away: str = ""
    """A screener does not let us through."""
    calls_back: str = ""
    """A name and a number are asked for, to return the call."""
    tone: str = ""
    """A tone is announced."""


def _together(kind: str) -> re.Pattern[str]:
    phrases = [phrase for language in _LANGUAGES for phrase in language.get(kind, ())]
    return re.compile("|".join(f"(?:{phrase})" for phrase in phrases), re.IGNORECASE)


_KINDS = {field.name: _together(field.name) for field in fields(Reading)}


def read(words: str) -> Reading:
    """Read what was said, in any of the languages."""
    said = re.sub(r"\s+", " ", words.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")).strip()
    found = {kind: pattern.search(said) for kind, pattern in _KINDS.items()}
    phrases = {kind: match[0].strip() if match else "" for kind, match in found.items()}
    if phrases["screening"] and phrases["calls_back"]:
        # "State your name, number and reason for calling, and I will call you back."
        phrases["voicemail"] = phrases["voicemail"] or phrases["screening"]
        phrases["screening"] = ""
    return Reading(**phrases)
