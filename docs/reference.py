"""The generated parts about hooks and `Call`: from their signatures and docstrings."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from tables import table

from host import Call
from host.call.keypad.keypad import Keypad
from host.registry import HOOKS, Hook
from host.registry.hooks import FOR_PLUGINS

QUESTIONS = {
    "collect_digits": Keypad.collect,
    "collect_letters": Keypad.collect_letters,
    "choose": Keypad.choose,
}
"""Actions of a call that are no methods of its class."""


def hook_table() -> str:
    """Return a row for each hook: the first line of its docstring is its purpose."""
    return table(
        ("hook", "purpose", "kind"),
        ((f"`{hook.name}{hook.takes}`", hook.doc, hook.kind) for hook in HOOKS.values()),
    )


def hook_sections() -> str:
    """Return a section for each hook: its signature, kind, and whole docstring."""
    return "\n\n".join(
        f"## {hook.name}\n\n```text\n{hook.signature}\n```\n\n{_kind(hook)}\n\n"
        f"{inspect.getdoc(hook.function)}"
        for hook in HOOKS.values()
    )


def call_table() -> str:
    """Return a row for each member of `Call`."""
    rows = [(f"`{name}`", _first(member)) for name, member in _members()]
    rows.append(
        ("`state`", "Free attributes for personas and plugins; they last as long as the call.")
    )
    return table(("of a call", "what it is or does"), rows)


def _kind(hook: Hook) -> str:
    what = "An event" if hook.is_async else "A question"
    all_of_them = "all run" if hook.is_async else "all answers count"
    alone = "; for plugins only" if hook.name in FOR_PLUGINS else ""
    return f"{what}: {'the first answer counts' if hook.first else all_of_them}{alone}."


def _members() -> Iterator[tuple[str, Any]]:
    for name, member in vars(Call).items():
        if isinstance(member, property):
            yield name, member
        elif callable(member) and not name.startswith("_"):
            yield f"{'await ' if _waits(member) else ''}{name}{_takes(member)}", member
    for name, function in QUESTIONS.items():
        yield f"await {name}{_takes(function)}", function


def _waits(function: Any) -> bool:
    return inspect.iscoroutinefunction(inspect.unwrap(function))


def _takes(function: Any) -> str:
    parameters = [*inspect.signature(function).parameters.values()][1:]
    bare = [parameter.replace(annotation=parameter.empty) for parameter in parameters]
    return str(inspect.Signature(bare))


def _first(member: Any) -> str:
    return (inspect.getdoc(member) or "").partition("\n\n")[0].replace("\n", " ")
