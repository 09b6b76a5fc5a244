"""Requests that are parsed strictly."""

from __future__ import annotations

import codecs
import json
import re
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic_core import from_json

from host.server.api.refusals import Unusable
from host.server.api.schemas import Fault


class StrictRequest(Request):
    """A request with strict JSON: no NaN, no excessive depth, no duplicate key.

    A proxy may have validated the other value of a duplicate key.
    """

    async def json(self) -> Any:
        """Parse the body. Raises JSONDecodeError."""
        body = await self.body()
        try:
            if body.startswith(codecs.BOM_UTF8):
                raise ValueError("it begins with a byte order mark")
            from_json(body, allow_inf_nan=False)  # strict, unlike Python's parser
            return json.loads(body, object_pairs_hook=_each_key_once)
        except ValueError as error:
            raise json.JSONDecodeError(str(error), "", 0) from None


class StrictRoute(APIRoute):
    """A route that parses its requests strictly, with each parameter once."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Wrap the handler in a StrictRequest."""
        answer = super().get_route_handler()

        async def answer_strictly(request: Request) -> Response:
            _require_each_once(request)
            return await answer(StrictRequest(request.scope, request.receive))

        return answer_strictly


async def in_json(request: Request) -> None:
    """Reject a body whose content type is not JSON."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not (kind.startswith("application/") and re.search(r"[/+]json$", kind)):
        text = "the content type is not application/json"
        raise Unusable(Fault(loc=["header", "Content-Type"], msg=text, type="content_type"))


def _require_each_once(request: Request) -> None:
    """Reject a parameter that is given twice: only its last value would count."""
    given = Counter(name for name, _ in request.query_params.multi_items())
    for name, times in given.items():
        if times > 1:
            raise Unusable(Fault(loc=["query", name], msg="is given twice", type="duplicate"))


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) < len(pairs):
        raise ValueError("duplicate key in an object")
    return read
