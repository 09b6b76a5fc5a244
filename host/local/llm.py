"""A rule-based model behind OpenAI's chat completions API."""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from aiohttp import web

from host.local.rules import Reply, Rule, read_turn, reply_to, text_of
from host.local.server import WRONG_KEY, LocalServer
from host.local.trouble import Trouble, Troubles, for_ever

PERSONA = "X-Host-Persona"
"""Header with the name of the persona that asks, as the plugin `openai` sends it."""
BEGUN = 2
"""Pieces of a response sent before an injected stall or close."""


class LlmServer(LocalServer):
    """The LLM of personas. `requests` lists all requests, in order.

    `troubles` injects faults by model: hang, stall or close within a response, send garbage, or
    fail with 500 or 429.
    """

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.rules = tuple(rules)
        self.requests: list[dict[str, Any]] = []
        self.fail_with: int | None = None
        """HTTP status with which every request fails; None: they succeed."""
        self.delay = 0.0
        """Seconds before the first byte of a response."""
        self.hang = False
        """Whether requests are accepted and never answered."""
        self.troubles = Troubles()
        """Injected faults by model."""

    def application(self) -> web.Application:
        """Serve chat completions and the list of models."""
        app = web.Application(client_max_size=16 * 1024**2)
        app.router.add_post("/v1/chat/completions", self._complete)
        app.router.add_get("/v1/models", self._models)
        return app

    async def _models(self, request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": "rules", "object": "model"}]})

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Authorization") in (None, "Bearer ", f"Bearer {WRONG_KEY}"):
            return _error(401, "Incorrect API key provided.", "invalid_api_key")
        try:
            asked = await request.json()
            turn = read_turn(asked, request.headers.get(PERSONA))
        except (ValueError, TypeError, KeyError, AttributeError):
            return _error(400, "We could not parse the body of your request.", None)
        self.requests.append(asked)
        trouble = self.troubles.meet(str(asked.get("model")))
        if self.hang or trouble is Trouble.HANG:
            await for_ever()
        if trouble and trouble.status:
            return _error(trouble.status, "The model is in trouble.", "server_error")
        if self.delay:
            await asyncio.sleep(self.delay)
        if self.fail_with:
            return _error(self.fail_with, "The model is out of order.", "server_error")
        reply = reply_to(turn, self.rules)
        if not asked.get("stream"):
            return web.json_response(_whole(reply, asked))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for at, chunk in enumerate(_chunks(reply, asked)):
            if trouble and at == BEGUN:
                await _give_way(trouble, request, response)
            await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
        await response.write(b"data: [DONE]\n\n")
        return response


async def _give_way(trouble: Trouble, request: web.Request, response: web.StreamResponse) -> None:
    """Inject a fault in the middle of a response."""
    if trouble is Trouble.GARBAGE:
        await response.write(b"data: {this is no answer\n\n")
    elif trouble is Trouble.CLOSE and request.transport:
        request.transport.close()
    else:
        await for_ever()


def _error(status: int, message: str, code: str | None) -> web.Response:
    body = {"error": {"message": message, "type": "invalid_request_error", "code": code}}
    return web.json_response(body, status=status)


def _whole(reply: Reply, asked: Mapping[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": reply.text or None}
    if reply.tool:
        message["tool_calls"] = [_tool_call(reply.tool)]
    choice = {"index": 0, "message": message, "finish_reason": _finish(reply)}
    return {**_head(asked, "chat.completion"), "choices": [choice], "usage": _usage(reply, asked)}


def _chunks(reply: Reply, asked: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    head = _head(asked, "chat.completion.chunk")

    def chunk(delta: Mapping[str, Any], finish: str | None = None) -> dict[str, Any]:
        return {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}

    yield chunk({"role": "assistant", "content": ""})
    for word in re.findall(r"\S+\s*", reply.text):
        yield chunk({"content": word})
    if reply.tool:
        yield chunk({"tool_calls": [{"index": 0, **_tool_call(reply.tool)}]})
    yield chunk({}, _finish(reply))
    if (asked.get("stream_options") or {}).get("include_usage"):
        yield {**head, "choices": [], "usage": _usage(reply, asked)}


def _head(asked: Mapping[str, Any], kind: str) -> dict[str, Any]:
    identity = f"chatcmpl-{secrets.token_hex(8)}"
    return {"id": identity, "object": kind, "created": 0, "model": asked.get("model", "rules")}


def _tool_call(tool: tuple[str, Mapping[str, Any]]) -> dict[str, Any]:
    name, arguments = tool
    function = {"name": name, "arguments": json.dumps(dict(arguments))}
    return {"id": f"call_{secrets.token_hex(8)}", "type": "function", "function": function}


def _finish(reply: Reply) -> str:
    return "tool_calls" if reply.tool else "stop"


def _usage(reply: Reply, asked: Mapping[str, Any]) -> dict[str, int]:
    """Count words as tokens, which is close enough for sums."""
    prompt = sum(len(text_of(message).split()) for message in asked.get("messages", ()))
    said = len(reply.text.split()) + (8 if reply.tool else 0)
    return {"prompt_tokens": prompt, "completion_tokens": said, "total_tokens": prompt + said}
