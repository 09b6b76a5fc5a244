"""Sessions of the console: a signed cookie that expires, and a CSRF token of its own."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass

import jwt

LASTS = 12 * 3600
"""Seconds after which a session expires."""
_ALGORITHM = "HS256"
_AUDIENCE = "console"


@dataclass(frozen=True)
class Session:
    """A person who has signed in."""

    id: str
    csrf: str
    """What forms of this session must send."""
    expires: float
    """Seconds since the epoch."""


class Sessions:
    """Begins, reads and ends sessions. The key is the process's: its end ends all sessions."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._ended: dict[str, float] = {}
        """Sessions that were ended before they expired, until they do."""

    def begin(self) -> str:
        """Return the cookie of a new session."""
        now = int(time.time())
        claims = {"jti": secrets.token_urlsafe(16), "exp": now + LASTS, "aud": _AUDIENCE}
        return jwt.encode(claims, self._key, _ALGORITHM)

    def read(self, cookie: str) -> Session | None:
        """Return the session of a cookie; None if it is forged, expired or ended."""
        try:
            claims = jwt.decode(
                cookie,
                self._key,
                [_ALGORITHM],
                audience=_AUDIENCE,
                options={"require": ["jti", "exp", "aud"]},
            )
        except jwt.InvalidTokenError:
            return None
        id = str(claims["jti"])
        return None if id in self._ended else Session(id, self._csrf(id), float(claims["exp"]))

    def goes_on(self, session: Session) -> bool:
        """Return whether a session has neither expired nor been ended."""
        return session.id not in self._ended and session.expires > time.time()

    def end(self, session: Session) -> None:
        """End a session before it expires."""
        now = time.time()
        self._ended = {id: expires for id, expires in self._ended.items() if expires > now}
        self._ended[session.id] = session.expires

    def _csrf(self, id: str) -> str:
        return hmac.new(self._key, b"csrf\0" + id.encode(), hashlib.sha256).hexdigest()
