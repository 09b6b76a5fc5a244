"""LiveKit's identifiers: a prefix and 12 unambiguous characters."""

import secrets

_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def new_id(prefix: str = "") -> str:
    """Return a new identifier, for example `SCL_7hsR2pWcB9xE` (livekit/protocol utils/guid)."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(12))
