"""Reads the form of a POST, within limits of size and time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.types import Receive, Scope

LONGEST = 8 * 1024
"""Maximum size of a form, in bytes."""
LONGEST_UPLOAD = 4 * 1024 * 1024
"""Maximum size of a form with a file."""
TIME, UPLOAD_TIME = 10.0, 60.0
"""Seconds that a client may take to send it."""
MOST_FIELDS = 20
_FIELDS, _FILES = "application/x-www-form-urlencoded", "multipart/form-data"


class Unreadable(Exception):
    """The request has no form that can be read."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


@dataclass(frozen=True)
class Upload:
    """A file that came with a form."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Form:
    """What a form has; of several fields with one name, the last."""

    fields: dict[str, str]
    files: dict[str, Upload] = field(default_factory=dict)


class _Parser(MultiPartParser):
    spool_max_size = LONGEST_UPLOAD  # numbers of a campaign do not pass a disk


async def read_form(scope: Scope, receive: Receive, *, files: bool = False) -> Form:
    """Return a form, which may have `files`. Raises Unreadable."""
    headers = Headers(scope=scope)
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in ((_FIELDS, _FILES) if files else (_FIELDS,)):
        raise Unreadable(415, "the request is no form")
    body = _body(receive, LONGEST_UPLOAD if kind == _FILES else LONGEST)
    try:
        async with asyncio.timeout(UPLOAD_TIME if kind == _FILES else TIME):
            return await (_with_files(headers, body) if kind == _FILES else _without(body))
    except TimeoutError:
        raise Unreadable(408, "the request took too long") from None


async def _body(receive: Receive, longest: int) -> AsyncGenerator[bytes, None]:
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Unreadable(400, "the client has gone")
        piece = message.get("body", b"")
        more, size = message.get("more_body", False), size + len(piece)
        if size > longest:
            raise Unreadable(413, f"the form is longer than {longest} bytes")
        yield piece


async def _without(body: AsyncGenerator[bytes, None]) -> Form:
    text = b"".join([piece async for piece in body])
    try:
        fields = parse_qsl(text.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise Unreadable(400, "the form can't be read") from None
    return Form(dict(fields))


async def _with_files(headers: Headers, body: AsyncGenerator[bytes, None]) -> Form:
    parser = _Parser(headers, body, max_files=1, max_fields=MOST_FIELDS, max_part_size=LONGEST)
    fields, files = dict[str, str](), dict[str, Upload]()
    try:
        given = await parser.parse()
    except MultiPartException:
        raise Unreadable(400, "the form can't be read") from None
    for name, value in given.multi_items():
        if isinstance(value, UploadFile):
            files[name] = Upload(value.filename or "", await value.read())
        else:
            fields[name] = value
    await given.close()
    return Form(fields, files)
