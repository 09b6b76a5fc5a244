"""Tokens of the API and the console.

Two of the API may be valid at the same time, so that they can be rotated.
"""

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
    """Raise SettingsError if the API or console is enabled without a token, or with a weak one."""
    if settings.api_port is not None:
        _require("api_port", "api_token", settings)
        _require("api_port", "api_second_token", settings, needed=False)
    if settings.console_port is not None:
        _require("console_port", "console_token", settings)


def _require(port: str, name: str, settings: Settings, *, needed: bool = True) -> None:
    token = getattr(settings, name).get_secret_value()
    strong = len(token) >= SHORTEST and token.isascii() and token.isprintable() and " " not in token
    if not strong and (token or needed):
        raise SettingsError(
            f"{env_name(port)} is set and {env_name(name)} is no token of at least {SHORTEST}"
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
