"""Descriptions of the responses to rejected requests, for OpenAPI."""

from __future__ import annotations

from typing import Any

from host.server.api.guard import TOO_LONG
from host.server.api.schemas import Faults, Problem

_SECONDS = "seconds after which to retry"


def problem(what: str, model: type = Problem, **headers: str) -> dict[str, Any]:
    """Describe a response; `headers` are the meanings of its headers, with `_` for a hyphen."""
    described = {
        name.replace("_", "-"): {"description": meaning, "schema": {"type": "string"}}
        for name, meaning in headers.items()
    }
    return {"model": model, "description": what, "headers": described}


ANY: dict[int | str, dict[str, Any]] = {
    400: problem("the request is malformed or ambiguous"),
    401: problem("the token is missing or wrong", WWW_Authenticate="Bearer"),
    413: problem(TOO_LONG),
    422: problem("what is wrong with the request, field by field", Faults),
    429: problem("too many requests", Retry_After=_SECONDS),
    503: problem("the host can't do it now", Retry_After=_SECONDS),
}
"""Responses that any request may get."""
