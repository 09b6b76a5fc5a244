"""The receiver: signs messages, posts them and reads the responses."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self

import aiohttp
from standardwebhooks import Webhook
from yarl import URL

ANSWER_LIMIT = 15.0
"""Seconds that a receiver may take to accept a message."""
PREFIX = "whsec_"
"""Prefix of a signing secret."""
KEY_SIZES = range(24, 65)
"""Allowed key sizes in bytes, by Standard Webhooks."""
LONGEST_WISH = 24 * 3600.0
"""Maximum of Retry-After that is respected, in seconds; more is taken for a clock error."""


@dataclass(frozen=True)
class Answer:
    """The result of one attempt."""

    accepted: bool = False
    gone: bool = False
    """The receiver answered 410: it wants no more messages."""
    wish: float = 0.0
    """Retry-After, in seconds."""
    fault: str = ""
    """Why the message was not accepted."""


class Receiver:
    """Posts messages to a URL. Use it as a context manager."""

    def __init__(self, url: str, secret: str, *, limit: float = ANSWER_LIMIT) -> None:
        """Raises ValueError with one line for an invalid URL or secret."""
        self._url = _checked(url)
        self._webhook = Webhook(_key(secret))
        self._limit = aiohttp.ClientTimeout(total=limit)
        self._session: aiohttp.ClientSession | None = None

    def __str__(self) -> str:
        return str(self._url.origin())  # webhook paths and queries often contain a token

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=self._limit, trust_env=True)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session:
            await self._session.close()

    async def send(self, id: str, body: bytes) -> Answer:
        """Post a message once. Errors are returned as an Answer."""
        assert self._session is not None
        try:
            headers = {"Content-Type": "application/json", **self._signed(id, body)}
            # A redirect could send the record to a URL that is not configured.
            async with self._session.post(
                self._url, data=body, headers=headers, allow_redirects=False
            ) as response:
                return _read(response.status, response.headers.get("Retry-After"))
        except TimeoutError:
            return Answer(fault=f"no answer within {self._limit.total:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Answer(fault=str(error) or type(error).__name__)

    def _signed(self, id: str, body: bytes) -> dict[str, str]:
        now = datetime.now(UTC)
        return {
            "webhook-id": id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._webhook.sign(id, now, body.decode()),
        }


def _checked(url: str) -> URL:
    try:
        read = URL(url)
        if read.scheme in ("http", "https") and read.host:
            return read
    except ValueError:
        pass
    raise ValueError("HOST_WEBHOOK_URL must be an http:// or https:// address")


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(PREFIX) or len(key) not in KEY_SIZES:
        raise ValueError(
            f"HOST_WEBHOOK_SECRET must be {PREFIX} and 24 to 64 random bytes in base64"
        )
    return key


def _read(status: int, retry_after: str | None) -> Answer:
    if 200 <= status < 300:
        return Answer(accepted=True)
    wish = _seconds(retry_after) if retry_after and status in (429, 503) else 0.0
    return Answer(gone=status == 410, wish=wish, fault=f"HTTP {status}")


def _seconds(retry_after: str) -> float:
    """Parse Retry-After: seconds, or a date (RFC 9110 section 10.2.3)."""
    try:
        seconds = float(retry_after)
    except ValueError:
        try:
            until = parsedate_to_datetime(retry_after)
        except ValueError:
            return 0.0
        if until.tzinfo is None:
            until = until.replace(tzinfo=UTC)
        seconds = (until - datetime.now(UTC)).total_seconds()
    return min(max(seconds, 0.0), LONGEST_WISH)
