"""What the model answers: the words that are demanded, or what `host.local.llm`'s rules say."""

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
    """Choose what is said or done. `wanted` is what the client said of this one response."""
    # LiveKit's plugin puts the session's instructions before those of a response.
    demand = str(wanted.get("instructions") or "").removeprefix(session.instructions)
    if words := exact_words(demand):
        return Reply(words)
    return reply_to(_turn(wanted, session, conversation), rules)


def exact_words(instructions: str) -> str | None:
    """Give the words that instructions demand literally: all that follows `exactly these words:`.

    A model that does what it is told says these and nothing else.
    """
    demanded = _EXACT.search(instructions)
    return demanded[1].strip() if demanded else None


def _turn(wanted: Item, session: Session, conversation: Conversation) -> Turn:
    """See the conversation as the rules do."""
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
