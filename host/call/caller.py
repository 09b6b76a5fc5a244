"""The caller ID, as shown and unverified."""

from __future__ import annotations

import re
from dataclasses import dataclass

from host.base.text import sanitize

LONGEST = 64
"""Maximum length of a stored number or name, in characters."""

# A dial string, or the user part of a SIP URI (RFC 3261, section 25.1).
_PLAUSIBLE = re.compile(r"\+?[0-9*#]{1,32}|[A-Za-z0-9_.!~*'()&=+$,;?/%-]{1,63}", re.ASCII)
_LIVEKITS_NAME = "Phone "
"""Prefix of the participant names that LiveKit generates from the number."""


@dataclass(frozen=True)
class Caller:
    """The caller ID as shown. It can be forged, so it authorises nothing.

    Use it to greet, or to look up what any caller may hear. Before disclosing or changing
    anything else, ask for something that only the right person knows. Wrap it in `as_data` in a
    model's instructions.
    """

    number: str | None = None
    """The number shown, at most 64 characters; None if withheld, and on outbound calls."""
    name: str | None = None
    """The name shown, at most 64 characters; None if there is none."""

    @property
    def verified(self) -> bool:
        """Always False: LiveKit passes on no STIR/SHAKEN attestation except as SIP headers, which
        a caller can forge too."""
        return False

    @property
    def plausible(self) -> bool:
        """Whether the number is a dial string or the user part of a SIP URI."""
        return self.number is not None and _PLAUSIBLE.fullmatch(self.number) is not None


def number_shown(text: str | None) -> str | None:
    """Sanitize and cut a number from outside; None if there is none."""
    return sanitize(text, LONGEST) if text else None


def name_shown(text: str | None) -> str | None:
    """Sanitize and cut a name from outside; None if LiveKit generated it from the number."""
    return sanitize(text, LONGEST) if text and not text.startswith(_LIVEKITS_NAME) else None
