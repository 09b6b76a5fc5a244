"""Who rings us, as they say."""

from __future__ import annotations

import re
from dataclasses import dataclass

from host.base.text import sanitize

LONGEST = 64
"""Characters of the longest number or name that is kept."""

# Digits as a telephone dials them, or the user of a SIP address (RFC 3261, section 25.1).
_PLAUSIBLE = re.compile(r"\+?[0-9*#]{1,32}|[A-Za-z0-9_.!~*'()&=+$,;?/%-]{1,63}", re.ASCII)
_LIVEKITS_NAME = "Phone "
"""How the names begin that LiveKit gives to telephones, made of their numbers."""


@dataclass(frozen=True)
class Caller:
    """Who rings us, as they say. Anybody can say anything: it authorises nothing.

    A caller ID is text that the caller's side writes. Greet by it, look up by it what anybody may
    hear; ask for something that only the right person knows before you tell or change anything.
    In a model's instructions it stands in `as_data`.
    """

    number: str | None = None
    """The number that was shown, at most 64 characters; None where none was, and on calls that we
    place."""
    name: str | None = None
    """The name that was shown, at most 64 characters; None where none was."""

    @property
    def verified(self) -> bool:
        """Always False. LiveKit checks no caller ID and passes on no carrier's word (STIR/SHAKEN)
        for one, but in SIP headers, which callers can write too."""
        return False

    @property
    def plausible(self) -> bool:
        """Whether the number can be one, or the user of a SIP address, and is no other text."""
        return self.number is not None and _PLAUSIBLE.fullmatch(self.number) is not None


def number_shown(text: str | None) -> str | None:
    """Return a number from outside as it is kept; None where there is none."""
    return sanitize(text, LONGEST) if text else None


def name_shown(text: str | None) -> str | None:
    """Return a name from outside as it is kept; None for one that LiveKit made of the number."""
    return sanitize(text, LONGEST) if text and not text.startswith(_LIVEKITS_NAME) else None
