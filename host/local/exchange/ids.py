"""Identifiers as LiveKit makes them: a prefix and 12 characters that are hard to misread."""

import secrets

_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def new_id(prefix: str = "") -> str:
    """Give a fresh identifier, for example `SCL_7hsR2pWcB9xE` (livekit/protocol utils/guid)."""
    return prefix + "".join(secrets.choice(_ALPHABET) for _ in range(12))
