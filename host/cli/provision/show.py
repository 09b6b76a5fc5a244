"""What `provision` prints: a plan for people, in colours on a terminal, or JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, TextIO

import typer

from host.cli.layout import aligned, printable
from host.cli.provision.export import Exported
from host.cli.provision.fields import Shown
from host.cli.provision.plan import Change

_SIGNS = {
    "create": ("+", typer.colors.GREEN),
    "update": ("~", typer.colors.YELLOW),
    "delete": ("-", typer.colors.RED),
}
_DONE = {"create": "created", "update": "changed", "delete": "deleted"}
NOTHING = "nothing to do"
BLOCKED = ", once nothing stands in the way"


def wants_colours(output: TextIO, environment: Mapping[str, str]) -> bool:
    """Return whether to print colours: on a terminal, unless NO_COLOR is set (no-color.org)."""
    return output.isatty() and not environment.get("NO_COLOR")


def plan(
    changes: Sequence[Change],
    warnings: Sequence[str],
    *,
    blocked: bool = False,
    colours: bool = False,
) -> str:
    """Show each change with its fields, then the warnings, then the numbers of changes.

    `blocked`: faults stand in the way, which are told elsewhere.
    """
    blocks = ["\n".join(_change(change, colours)) for change in changes]
    if warnings:
        blocks.append("\n".join(f"! {warning}" for warning in warnings))
    blocks.append(_summary(changes) + (BLOCKED if blocked and changes else ""))
    return "\n\n".join(blocks)


def done(change: Change, made: str) -> str:
    """Show a change that was made."""
    return f"{_DONE[change.action]} {change.kind} {printable(change.info.name)!r} ({made})"


def plan_json(
    agent: str,
    changes: Sequence[Change],
    warnings: Sequence[str],
    faults: Sequence[str],
    applied: Sequence[str] | None,
) -> str:
    """Show it for programs. `applied`: the IDs of what was changed; None if nothing was to be."""
    told: dict[str, Any] = {
        "agent_name": agent,
        "changes": [
            {
                "action": change.action,
                "kind": change.kind,
                "id": change.id,
                "name": change.info.name,
                "differences": [asdict(each) for each in change.differences],
            }
            for change in changes
        ],
        "warnings": list(warnings),
        "faults": list(faults),
        "applied": applied,
    }
    return json.dumps(told, indent=2)


def exported(files: Sequence[Exported], *, as_json: bool) -> str:
    """Show the commands that take the files."""
    if as_json:
        listed = [{"file": str(each.file), "command": each.command} for each in files]
        return json.dumps({"files": listed}, indent=2)
    if not files:
        return "nothing to export: no persona has numbers, and [sip] has no address"
    return "\n".join(each.command for each in files)


def _change(change: Change, colours: bool) -> list[str]:
    sign, colour = _SIGNS[change.action]
    name = f"{change.kind} {printable(change.info.name)!r}"
    head = f"{sign} {name} ({change.id})" if change.id else f"{sign} {name}"
    rows = [
        (each.field, _value(each.wanted))
        if change.action == "create"
        else (each.field, f"{_value(each.there)} -> {_value(each.wanted)}")
        for each in change.differences
    ]
    return [typer.style(head, fg=colour) if colours else head, *aligned(rows, "    ")]


def _value(value: Shown) -> str:
    text = ", ".join(value) if isinstance(value, list) else value
    return printable(text) or "none"


def _summary(changes: Sequence[Change]) -> str:
    if not changes:
        return NOTHING
    counts = {action: sum(change.action == action for change in changes) for action in _DONE}
    return ", ".join(f"{count} to {action}" for action, count in counts.items() if count)
