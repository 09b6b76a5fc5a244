"""The API's bearer token."""

from __future__ import annotations

import hmac

from host.base.errors import SettingsError
from host.settings import Settings

SHORTEST = 32
"""Minimum length of the token, in characters."""


def require_token(settings: Settings) -> None:
    """Raise SettingsError if the API is enabled without a strong token."""
    if settings.api_port is None:
        return
    token = settings.api_token.get_secret_value()
    if not (
        len(token) >= SHORTEST and token.isascii() and token.isprintable() and " " not in token
    ):
        raise SettingsError(
            f"HOST_API_PORT is set and HOST_API_TOKEN is no token of at least {SHORTEST} characters"
            " of ASCII without spaces: `openssl rand -hex 32` makes one"
        )


def is_token(given: list[bytes], token: bytes) -> bool:
    """Return whether there is one Authorization header with the token, in constant time."""
    if len(given) != 1:
        return False
    scheme, _, credentials = given[0].partition(b" ")
    same = hmac.compare_digest(credentials.strip(b" "), token)
    return scheme.lower() == b"bearer" and same
