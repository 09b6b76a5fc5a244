"""The API's bearer tokens: two may be valid at the same time, so that they can be rotated."""

from __future__ import annotations

import hmac
from collections.abc import Sequence

from host.base.errors import SettingsError
from host.settings import Settings, env_name

SHORTEST = 32
"""Minimum length of a token, in characters."""


def tokens_of(settings: Settings) -> tuple[bytes, ...]:
    """Return the valid tokens."""
    tokens = (settings.api_token, settings.api_second_token)
    return tuple(token.get_secret_value().encode() for token in tokens if token.get_secret_value())


def require_tokens(settings: Settings) -> None:
    """Raise SettingsError if the API is enabled without a token, or with a weak one."""
    if settings.api_port is None:
        return
    for name in ("api_token", "api_second_token"):
        token = getattr(settings, name).get_secret_value()
        strong = (
            len(token) >= SHORTEST and token.isascii() and token.isprintable() and " " not in token
        )
        if not strong and (token or name == "api_token"):
            raise SettingsError(
                f"HOST_API_PORT is set and {env_name(name)} is no token of at least {SHORTEST}"
                " characters of ASCII without spaces: `openssl rand -hex 32` makes one"
            )


def is_token(given: list[bytes], tokens: Sequence[bytes]) -> bool:
    """Return whether there is one Authorization header with one of the tokens.

    The time that this takes tells neither how much of a token is right, nor which one.
    """
    if len(given) != 1:
        return False
    scheme, _, credentials = given[0].partition(b" ")
    found = [hmac.compare_digest(credentials.strip(b" "), token) for token in tokens]
    return scheme.lower() == b"bearer" and any(found)
