"""Reads the form of a POST, within limits of size and time."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qsl

from starlette.types import Receive, Scope

LONGEST = 8 * 1024
"""Maximum size of a form, in bytes."""
TIME = 10.0
"""Seconds that a client may take to send it."""
MOST_FIELDS = 20


class Unreadable(Exception):
    """The request has no form that can be read."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


async def read_form(scope: Scope, receive: Receive) -> dict[str, str]:
    """Return the fields of a form; of several with one name, the last. Raises Unreadable."""
    headers = {name: value for name, value in scope["headers"]}
    kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if kind != b"application/x-www-form-urlencoded":
        raise Unreadable(415, "the request is no form")
    body = b""
    try:
        async with asyncio.timeout(TIME):
            more = True
            while more:
                message = await receive()
                if message["type"] != "http.request":
                    raise Unreadable(400, "the client has gone")
                body += message.get("body", b"")
                more = message.get("more_body", False)
                if len(body) > LONGEST:
                    raise Unreadable(413, f"the form is longer than {LONGEST} bytes")
    except TimeoutError:
        raise Unreadable(408, "the request took too long") from None
    try:
        text = body.decode("ascii")
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS))
    except ValueError:
        raise Unreadable(400, "the form can't be read") from None
