"""Responses of the model: demanded words, or by the rules of `host.local.llm`."""

import re
from collections.abc import Iterable
from typing import Any

from host.local.realtime.conversation import Conversation, Item, words_of
from host.local.realtime.session import Session
from host.local.rules import Reply, Rule, Turn, reply_to

_EXACT = re.compile(
    r"exactly these words:\s*(?:<data>)?(.+?)(?:</data>)?\s*$", re.DOTALL | re.IGNORECASE
)


def answer(
    wanted: Item, session: Session, conversation: Conversation, rules: Iterable[Rule]
) -> Reply:
    """Choose words or a tool. `wanted` are the parameters of this response."""
    # LiveKit's plugin prepends the session's instructions to those of a response.
    demand = str(wanted.get("instructions") or "").removeprefix(session.instructions)
    if words := exact_words(demand):
        return Reply(words)
    return reply_to(_turn(wanted, session, conversation), rules)


def exact_words(instructions: str) -> str | None:
    """Return the words that instructions demand literally, after `exactly these words:`.

    A compliant model says these and nothing else.
    """
    demanded = _EXACT.search(instructions)
    return demanded[1].strip() if demanded else None


def _turn(wanted: Item, session: Session, conversation: Conversation) -> Turn:
    """Convert the conversation for the rules."""
    items = list(conversation)
    last = items[-1] if items else {}
    after = None
    if last.get("type") == "function_call_output":
        calls = {i["call_id"]: i["name"] for i in items if i["type"] == "function_call"}
        after = calls.get(last["call_id"])
    choice = wanted.get("tool_choice") or session.fields["tool_choice"]
    tools = wanted.get("tools") or session.fields["tools"]
    forced = "" if choice == "required" else None
    if isinstance(choice, dict):
        forced = choice["name"]
    return Turn(
        str(wanted.get("instructions") or session.instructions),
        words_of(last) if last.get("role") == "user" else "",
        after,
        after is not None and bool(re.search("fail|error", last["output"], re.IGNORECASE)),
        {} if choice == "none" else {tool["name"]: _schema(tool) for tool in tools},
        forced,
    )


def _schema(tool: Item) -> dict[str, Any]:
    return dict(tool.get("parameters") or {})
