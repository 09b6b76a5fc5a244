"""What `personas`, `hooks` and `which` print.

Pure: each function returns text and an exit code, and the command line prints the one and exits
with the other.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from types import MappingProxyType
from typing import Any

from host.base.errors import MetadataError
from host.call.caller import Caller, number_shown
from host.call.dispatch import Dispatch, read_dispatch
from host.call.headers import PREFIX, headers_shown
from host.cli.layout import aligned
from host.registry import HOOKS, Registry
from host.registry.routes import Choice


@dataclass(frozen=True)
class Shown:
    """The output of a command, and its exit code."""

    text: str
    exit_code: int = 0


def personas(
    registry: Registry,
    *,
    as_json: bool = False,
    strict: bool = False,
    faults: Sequence[str] = (),
) -> Shown:
    """Show who is loaded, what is broken, and the `faults` of models that can't be created.

    Exit code 1 where nobody could take a call, and with `strict` where anything is broken.
    """
    failed = not registry.personas or (strict and bool(registry.broken or faults))
    show = _personas_json if as_json else _personas_text
    return Shown(show(registry, faults), int(failed))


def _personas_json(registry: Registry, faults: Sequence[str]) -> str:
    people = registry.personas.values()
    return _json(
        {
            "personas": [
                {
                    "name": persona.name,
                    "file": persona.file,
                    "summary": persona.summary,
                    "numbers": list(persona.numbers),
                    "hands_over_to": list(persona.hands_over_to),
                }
                for persona in people
            ],
            "plugins": [
                {"name": plugin.name, "file": plugin.file, "bundled": plugin.bundled}
                for plugin in registry.plugins
            ],
            "broken": [asdict(fault) for fault in registry.broken],
            "models": list(faults),
        }
    )


def _personas_text(registry: Registry, faults: Sequence[str]) -> str:
    people = [
        (persona.name, persona.file, ", ".join(persona.numbers), persona.summary)
        for persona in registry.personas.values()
    ]
    handovers = [
        (persona.name, f"to {', '.join(persona.hands_over_to)}")
        for persona in registry.personas.values()
        if persona.hands_over_to
    ]
    own = [
        (plugin.name, plugin.file, "replaces the bundled one" if plugin.replaces else "")
        for plugin in registry.plugins
        if not plugin.bundled
    ]
    bundled = ", ".join(plugin.name for plugin in registry.plugins if plugin.bundled)
    sections = [
        _section(f"Personas in {registry.personas_dir}", people or [("none",)]),
        _section("Handovers", handovers),
        _section(f"Plugins in {registry.plugins_dir}", own or [("none",)]),
        _section("Bundled plugins", [(line,) for line in textwrap.wrap(bundled, 76)]),
        _section("Broken, and set aside", [(str(fault),) for fault in registry.broken]),
        _section("Models that can't be created", [(fault,) for fault in faults]),
    ]
    return "\n\n".join(section for section in sections if section)


def which(
    registry: Registry,
    *,
    room: str = "",
    metadata: str = "",
    number: str | None = None,
    caller: str | None = None,
    headers: Sequence[str] = (),
    as_json: bool = False,
    hint: Callable[[Choice, Dispatch], str] = lambda choice, dispatch: "",
) -> Shown:
    """Show which persona would take a call, by which rule and why. Exit code 1: nobody would.

    `headers` are SIP headers as `NAME=VALUE`. `hint` says more of a choice of nobody, to people
    alone.
    """
    more = ""
    try:
        written = (header.partition("=") for header in headers)
        shown = headers_shown({f"{PREFIX}{name.lower()}": value for name, _, value in written})
        dispatch = replace(
            read_dispatch(metadata, room, number),
            caller=Caller(number_shown(caller)),
            headers=MappingProxyType(shown),
        )
        choice = registry.choose(dispatch)
        more = "" if choice.persona else hint(choice, dispatch)
    except MetadataError as error:
        choice = Choice(None, None, str(error))
    failed = int(choice.persona is None)
    persona = registry.personas.get(choice.persona or "")
    others = persona.hands_over_to if persona else ()
    if as_json:
        return Shown(_json({**asdict(choice), "hands_over_to": list(others)}), failed)
    if failed:
        return Shown(f"refused: {choice.reason}{more}", failed)
    after = f"; hands over to {', '.join(others)}" if others else ""
    return Shown(f"{choice.persona}, by {choice.by}: {choice.reason}{after}")


def hooks(registry: Registry, *, as_json: bool = False) -> Shown:
    """Show every hook in the order of a call, with its implementations."""
    shown = [
        {
            "name": hook.name,
            "signature": hook.signature,
            "kind": hook.kind,
            "summary": hook.doc,
            "by": registry.views.who_has(hook.name),
        }
        for hook in HOOKS.values()
    ]
    if as_json:
        return Shown(_json({"hooks": shown}))
    return Shown(
        "\n\n".join(
            f"{hook['signature']}\n"
            f"    {hook['summary']}\n"
            f"    {hook['kind']}; implemented by {', '.join(hook['by']) or 'none'}"
            for hook in shown
        )
    )


def _section(title: str, rows: Sequence[Sequence[str]]) -> str:
    """Format rows under a title; no rows, no section."""
    return "\n".join([title, *aligned(rows, "  ")]) if rows else ""


def _json(value: Any) -> str:
    return json.dumps(value, indent=2)
