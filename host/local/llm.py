"""A model that thinks in rules, behind OpenAI's chat completions protocol.

The first rule that fits answers; what no rule knows gets a plain reply, so that a persona nobody
has scripted still talks. LiveKit's answering machine detection asks it too, and is told by words.
"""

from __future__ import annotations

import asyncio
import json
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from host.local.server import WRONG_KEY, LocalServer


@dataclass(frozen=True)
class Rule:
    """What to answer, and when: all conditions that are given must hold."""

    hears: str | None = None
    """Found (re.search, any case) in the last thing that was said; `^$` fits when nothing was."""
    says: str = ""
    calls: tuple[str, Mapping[str, Any]] | None = None
    """A tool and its arguments. The rule fits only where the tool is offered."""
    about: str | None = None
    """Found in the instructions."""
    after: str | None = None
    """The tool whose result came last. Without it, a rule never answers a tool's result."""

    def fits(self, turn: Turn) -> bool:
        """Tell whether this rule answers a turn."""
        if self.after != turn.after:
            return False
        if self.calls and self.calls[0] not in turn.tools:
            return False
        return _found(self.about, turn.instructions) and _found(self.hears, turn.heard)


@dataclass(frozen=True)
class Turn:
    """One request, as the rules see it."""

    instructions: str
    heard: str
    """What the user said last; empty where nobody did."""
    after: str | None
    """The tool whose result is the last message."""
    failed: bool
    """Whether that result reads like an error."""
    tools: Mapping[str, Mapping[str, Any]]
    """Name -> the JSON schema of its arguments."""
    forced: str | None
    """The tool that must be called; empty for any."""


@dataclass(frozen=True)
class Reply:
    """Words, or a tool with its arguments."""

    text: str = ""
    tool: tuple[str, Mapping[str, Any]] | None = None


def read_turn(request: Mapping[str, Any]) -> Turn:
    """Read a chat completions request."""
    messages = list(request.get("messages", ()))
    rules = [_text(m) for m in messages if m.get("role") in ("system", "developer")]
    talk = [m for m in messages if m.get("role") not in ("system", "developer")]
    last = talk[-1] if talk else {}
    # What a tool said aloud while it ran stands behind its result.
    while last.get("role") == "assistant" and len(talk) > 1 and talk[-2].get("role") != "user":
        talk.pop()
        last = talk[-1]
    calls = {
        call["id"]: call["function"]["name"] for m in talk for call in m.get("tool_calls") or ()
    }
    after = calls.get(last.get("tool_call_id")) if last.get("role") == "tool" else None
    choice = request.get("tool_choice")
    forced = "" if choice == "required" else None
    if isinstance(choice, dict):
        forced = choice.get("function", {}).get("name")
    offered = (tool["function"] for tool in request.get("tools") or () if "function" in tool)
    return Turn(
        "\n".join(rules),
        _text(last) if last.get("role") == "user" else "",
        after,
        after is not None and bool(re.search("fail|error", _text(last), re.I)),
        {tool["name"]: tool.get("parameters", {}) for tool in offered},
        forced,
    )


def reply_to(turn: Turn, rules: Iterable[Rule]) -> Reply:
    """Answer a turn: the machine detection, the rules in their order, what everybody knows."""
    if "save_prediction" in turn.tools:
        return Reply(tool=("save_prediction", {"label": kind_of_greeting(turn.heard)}))
    for rule in rules:
        if rule.fits(turn) and not (turn.forced is not None and rule.calls is None):
            return Reply(rule.says, rule.calls)
    if turn.forced is not None:
        return Reply(tool=(turn.forced or next(iter(turn.tools)), {}))
    return _plain(turn)


_GREETINGS = (
    (
        "machine-unavailable",
        r"(mail ?box|voice ?mail).*(\bfull\b|not accept|(not|n't)( yet)?( been)? set up)"
        r"|can ?not (leave|take) (a |any )?messages?",
    ),
    ("machine-vm", r"voice ?mail|leave (me |us |your |a )*(message|name)|after the (tone|beep)"),
    ("machine-ivr", r"press (\d|one|two|three|zero|pound|star)|(say|state) your name"),
)
"""What answered -> words in its greeting; the first that fits counts."""


def kind_of_greeting(heard: str) -> str:
    """Classify what answered a call, in the words of LiveKit's AMD."""
    for kind, words in _GREETINGS:
        if re.search(words, heard, re.I):
            return kind
    return "human"


def _plain(turn: Turn) -> Reply:
    """What every persona can do, and something to say where there is nothing to do."""
    if turn.after:
        if turn.failed:
            return Reply("I am sorry, that did not work.")
        return Reply("Goodbye." if turn.after == "end_call" else "That is done.")
    if not turn.heard:
        return Reply("Hello, how can I help you?")
    if "end_call" in turn.tools and re.search(r"\b(good)?bye\b", turn.heard, re.I):
        return Reply(tool=("end_call", {}))
    if target := _target(turn):
        return Reply(tool=("transfer_call", {"to": target}))
    return Reply("Sorry, could you say that again?")


def _target(turn: Turn) -> str | None:
    """The transfer target that was asked for, of those on offer."""
    asked = re.search(r"(?:transfer me|put me through|connect me) to (.+)", turn.heard, re.I)
    schema = turn.tools.get("transfer_call", {}).get("properties", {}).get("to", {})
    names = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    if not asked:
        return None
    return next((name for name in names if name.lower() in asked[1].lower()), None)


class LlmServer(LocalServer):
    """The model of personas. `requests` is everything that it was asked, in order."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.rules = tuple(rules)
        self.requests: list[dict[str, Any]] = []
        self.fail_with: int | None = None
        """The HTTP status with which every request fails, while it is set."""
        self.delay = 0.0
        """Seconds before the first byte of an answer."""
        self.hang = False
        """Whether requests are taken and never answered."""

    def application(self) -> web.Application:
        """Serve chat completions, and the list of models."""
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
            turn = read_turn(asked)
        except (ValueError, TypeError, KeyError, AttributeError):
            return _error(400, "We could not parse the body of your request.", None)
        self.requests.append(asked)
        if self.hang:
            await asyncio.Event().wait()
        if self.delay:
            await asyncio.sleep(self.delay)
        if self.fail_with:
            return _error(self.fail_with, "The model is out of order.", "server_error")
        reply = reply_to(turn, self.rules)
        if not asked.get("stream"):
            return web.json_response(_whole(reply, asked))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for chunk in _chunks(reply, asked):
            await response.write(f"data: {json.dumps(chunk)}\n\n".encode())
        await response.write(b"data: [DONE]\n\n")
        return response


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
    """Count words for tokens: near enough for whoever adds them up."""
    prompt = sum(len(_text(message).split()) for message in asked.get("messages", ()))
    said = len(reply.text.split()) + (8 if reply.tool else 0)
    return {"prompt_tokens": prompt, "completion_tokens": said, "total_tokens": prompt + said}


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return " ".join(part.get("text", "") for part in content)


def _found(pattern: str | None, text: str) -> bool:
    return pattern is None or re.search(pattern, text, re.I) is not None
