"""SIP headers of the far end, as LiveKit SIP shows them in its participant's attributes.

They are untrusted: a caller's telephone, or a carrier on the way, may write any of them.
"""

from __future__ import annotations

from collections.abc import Mapping

from host.base.text import sanitize

PREFIX = "sip.h."
"""Prefix of the attributes for headers that a trunk's `include_headers` names."""
_LIVEKITS = ("sip.", "lk.", "lktest.")
"""Prefixes of attributes that LiveKit itself sets."""
MOST = 64
"""Headers that are kept, in the order of their names."""
LONGEST_NAME, LONGEST = 64, 512
"""Maximum length of a name and of a value, in characters."""


def headers_shown(attributes: Mapping[str, str]) -> dict[str, str]:
    """Return the headers in a SIP participant's attributes, sanitized and cut.

    A header is named in lower case, without the prefix: `x-case`. One that the trunk's
    `headers_to_attributes` maps to an attribute has the attribute's name.
    """
    headers: dict[str, str] = {}
    for attribute in sorted(attributes):
        name = attribute.removeprefix(PREFIX)
        if name == attribute and attribute.startswith(_LIVEKITS):
            continue
        if len(name) <= LONGEST_NAME and name.isprintable() and len(headers) < MOST:
            headers[name] = sanitize(attributes[attribute], LONGEST)
    return headers
