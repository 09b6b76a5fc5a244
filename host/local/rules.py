"""The local model's rules: its answers, and when each applies.

The first matching rule answers. Without one there is a plain reply, so that a persona without
rules still talks, and says once that it has none. LiveKit's answering machine detection is answered
by keywords.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Rule:
    """An answer and its conditions, all of which must hold."""

    hears: str | None = None
    """Pattern (re.search, any case) in the user's last words; `^$` matches none."""
    says: str = ""
    calls: tuple[str, Mapping[str, Any]] | None = None
    """A tool and its arguments. The rule only matches if the tool is offered."""
    about: str | None = None
    """Pattern in the instructions."""
    after: str | None = None
    """The tool whose result came last. A rule without it never answers a tool's result."""
    stubborn: bool = False
    """Whether the tool is called even if not offered, like a misbehaving model."""
    persona: str | None = None
    """The persona that asks."""

    def concerns(self, turn: Turn) -> bool:
        """Return whether this rule is one for the persona of a turn."""
        return self.persona in (None, turn.persona) and _found(self.about, turn.instructions)

    def fits(self, turn: Turn) -> bool:
        """Return whether this rule answers a turn."""
        if self.after != turn.after:
            return False
        if self.calls and self.calls[0] not in turn.tools and not self.stubborn:
            return False
        return self.concerns(turn) and _found(self.hears, turn.heard)


@dataclass(frozen=True)
class Turn:
    """One request, in the form that rules match."""

    instructions: str
    heard: str
    """The user's last words; empty if there are none."""
    after: str | None
    """The tool whose result is the last message."""
    failed: bool
    """Whether that result looks like an error."""
    tools: Mapping[str, Mapping[str, Any]]
    """Tool name to the JSON schema of its arguments."""
    forced: str | None
    """The tool that must be called; empty: any tool."""
    told: str = ""
    """What was said since the result that is to be told now."""
    persona: str | None = None
    """Name of the persona that asks, if known."""
    said: str = ""
    """What the model said so far."""


@dataclass(frozen=True)
class Reply:
    """Words, or a tool call with arguments."""

    text: str = ""
    tool: tuple[str, Mapping[str, Any]] | None = None


def read_turn(request: Mapping[str, Any], persona: str | None = None) -> Turn:
    """Parse a chat completions request of a persona."""
    messages = list(request.get("messages", ()))
    said = " ".join(text_of(m) for m in messages if m.get("role") == "assistant")
    rules = [text_of(m) for m in messages if m.get("role") in ("system", "developer")]
    talk = [m for m in messages if m.get("role") not in ("system", "developer")]
    last = talk[-1] if talk else {}
    if rules and re.search("say it again", rules[-1], re.I):
        while talk and talk[-1].get("role") == "assistant":
            talk.pop()
        last = talk[-1] if talk else {}
    talk, told = _from_result(rules[-1] if rules else "", talk)
    last = talk[-1] if talk else {}
    # Words that a tool spoke while it ran follow its result.
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
    tools = () if choice == "none" else request.get("tools") or ()
    offered = (tool["function"] for tool in tools if "function" in tool)
    return Turn(
        "\n".join(rules),
        text_of(last) if last.get("role") == "user" else "",
        after,
        after is not None and bool(re.search("fail|error", text_of(last), re.I)),
        {tool["name"]: tool.get("parameters", {}) for tool in offered},
        forced,
        told,
        persona,
        said,
    )


def _from_result(rule: str, talk: list[Mapping[str, Any]]) -> tuple[list[Mapping[str, Any]], str]:
    """End the talk at the result of a tool that is to be told now, as LiveKit and the host ask.

    Returns the talk, and what the model has said since.
    """
    asked = re.search(r"\(call_ids: \[.*?'([^']+)'\]\)", rule)
    for at, message in enumerate(talk) if asked else ():
        if message.get("role") == "tool" and asked and message.get("tool_call_id") == asked[1]:
            said = (text_of(m) for m in talk[at:] if m.get("role") == "assistant")
            return talk[: at + 1], " ".join(said)
    return talk, ""


def reply_to(turn: Turn, rules: Iterable[Rule]) -> Reply:
    """Answer a turn: by rules, then machine detection, then a plain reply.

    A persona that no rule concerns is told once in a call what this model is.
    """
    rules = tuple(rules)
    for rule in rules:
        if rule.fits(turn) and not (turn.forced is not None and rule.calls is None):
            return Reply() if rule.says and rule.says in turn.told else Reply(rule.says, rule.calls)
    if "save_prediction" in turn.tools:
        return Reply(tool=("save_prediction", {"label": kind_of_greeting(turn.heard)}))
    if turn.forced is not None:
        return Reply(tool=(turn.forced or next(iter(turn.tools)), {}))
    plain = _plain(turn)
    if plain.text != AGAIN or I_AM in turn.said or any(rule.concerns(turn) for rule in rules):
        return plain
    return Reply(f"{I_AM} {without_rules(turn.persona)}")


AGAIN = "Sorry, could you say that again?"
I_AM = "I am the local model,"


def without_rules(persona: str | None) -> str:
    """Say what the local model lacks for a persona, and what to do."""
    file = f"personas/{persona or 'NAME'}.rules.toml"
    return (
        f"and have no rules for this persona. Write them to {file}, "
        "or set OPENAI_API_KEY for a real one."
    )


_GREETINGS = (
    (
        "machine-unavailable",
        r"(mail ?box|voice ?mail).*(\bfull\b|not accept|(not|n't)( yet)?( been)? set up)"
        r"|can ?not (leave|take) (a |any )?messages?",
    ),
    ("machine-vm", r"voice ?mail|leave (me |us |your |a )*(message|name)|after the (tone|beep)"),
    ("machine-ivr", r"press (\d|one|two|three|zero|pound|star)|(say|state) your name"),
)
"""AMD category to keywords in a greeting; the first match counts."""


def kind_of_greeting(heard: str) -> str:
    """Classify a greeting with a category of LiveKit's AMD."""
    for kind, words in _GREETINGS:
        if re.search(words, heard, re.I):
            return kind
    return "human"


def _plain(turn: Turn) -> Reply:
    """Return a reply that fits any persona: end_call, transfer_call or a phrase."""
    if turn.after:
        if turn.failed:
            return Reply("I am sorry, that did not work.")
        return Reply("Goodbye." if turn.after == "end_call" else "That is done.")
    if not turn.heard:
        return Reply("Hello, how can I help you?")
    if "end_call" in turn.tools and re.search(r"\b(good)?bye\b", turn.heard, re.I):
        return Reply(tool=("end_call", {}))
    if target := _target(turn):
        asked = turn.tools["transfer_call"].get("properties", {})
        summary = {"summary": f"The caller says: {turn.heard}"} if "summary" in asked else {}
        return Reply(tool=("transfer_call", {"to": target, **summary}))
    return Reply(AGAIN)


def _target(turn: Turn) -> str | None:
    """Return the requested transfer target among the offered ones; None if there is none."""
    asked = re.search(r"(?:transfer me|put me through|connect me) to (.+)", turn.heard, re.I)
    schema = turn.tools.get("transfer_call", {}).get("properties", {}).get("to", {})
    names = schema.get("enum") or ([schema["const"]] if "const" in schema else [])
    if not asked:
        return None
    return next((name for name in names if name.lower() in asked[1].lower()), None)


def text_of(message: Mapping[str, Any]) -> str:
    """Return the words of a chat message."""
    content = message.get("content") or ""
    if isinstance(content, str):
        return content
    return " ".join(part.get("text", "") for part in content)


def _found(pattern: str | None, text: str) -> bool:
    return pattern is None or re.search(pattern, text, re.I) is not None
