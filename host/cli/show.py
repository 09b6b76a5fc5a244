"""What `personas`, `hooks` and `which` print, and the tables of hooks and settings in the docs.

Pure: each function returns text and an exit code, and the command line prints the one and exits
with the other.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from host.base.errors import MetadataError
from host.call.dispatch import Dispatch, read_dispatch
from host.registry import HOOKS, Registry, bundled_plugins
from host.registry.routes import Choice
from host.settings import PersonaSettings, Settings, Shared, Words, env_name
from host.settings.plugins import variables_of


@dataclass(frozen=True)
class Shown:
    """The output of a command, and its exit code."""

    text: str
    exit_code: int = 0


def personas(registry: Registry, *, as_json: bool = False, strict: bool = False) -> Shown:
    """Show who is loaded and what is broken.

    Exit code 1 where nobody could take a call, and with `strict` where anything is broken.
    """
    failed = not registry.personas or (strict and bool(registry.broken))
    return Shown(_personas_json(registry) if as_json else _personas_text(registry), int(failed))


def _personas_json(registry: Registry) -> str:
    people = registry.personas.values()
    return _json(
        {
            "personas": [
                {
                    "name": persona.name,
                    "file": persona.file,
                    "summary": persona.summary,
                    "numbers": list(persona.numbers),
                }
                for persona in people
            ],
            "plugins": [
                {"name": plugin.name, "file": plugin.file, "bundled": plugin.bundled}
                for plugin in registry.plugins
            ],
            "broken": [asdict(fault) for fault in registry.broken],
        }
    )


def _personas_text(registry: Registry) -> str:
    people = [
        (persona.name, persona.file, ", ".join(persona.numbers), persona.summary)
        for persona in registry.personas.values()
    ]
    own = [
        (plugin.name, plugin.file, "replaces the bundled one" if plugin.replaces else "")
        for plugin in registry.plugins
        if not plugin.bundled
    ]
    bundled = ", ".join(plugin.name for plugin in registry.plugins if plugin.bundled)
    sections = [
        _section(f"Personas in {registry.personas_dir}", people or [("none",)]),
        _section(f"Plugins in {registry.plugins_dir}", own or [("none",)]),
        _section("Bundled plugins", [(line,) for line in textwrap.wrap(bundled, 76)]),
        _section("Broken, and set aside", [(str(fault),) for fault in registry.broken]),
    ]
    return "\n\n".join(section for section in sections if section)


def which(
    registry: Registry,
    *,
    room: str = "",
    metadata: str = "",
    number: str | None = None,
    as_json: bool = False,
    hint: Callable[[Choice, Dispatch], str] = lambda choice, dispatch: "",
) -> Shown:
    """Show which persona would take a call, by which rule and why. Exit code 1: nobody would.

    `hint` says more of a choice of nobody, to people alone.
    """
    more = ""
    try:
        dispatch = read_dispatch(metadata, room, number)
        choice = registry.choose(dispatch)
        more = "" if choice.persona else hint(choice, dispatch)
    except MetadataError as error:
        choice = Choice(None, None, str(error))
    failed = int(choice.persona is None)
    if as_json:
        return Shown(_json(asdict(choice)), failed)
    if failed:
        return Shown(f"refused: {choice.reason}{more}", failed)
    return Shown(f"{choice.persona}, by {choice.by}: {choice.reason}")


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


def hook_table() -> str:
    """Return the table of hooks in README.md, between the markers `hooks`."""
    return _markdown(
        ("hook", "purpose", "kind"),
        ((f"`{hook.name}{hook.takes}`", hook.doc, hook.kind) for hook in HOOKS.values()),
    )


def settings_table() -> str:
    """Return the tables of docs/settings.md, between the markers `settings`."""
    shared = _markdown(
        ("variable", "per persona", "description", "default"),
        (
            (
                f"`{env_name(name)}`",
                "yes" if name in Shared.model_fields else "",
                field.description or "",
                _default(field),
            )
            for name, field in Settings.model_fields.items()
            if name not in FILE_ONLY
        ),
    )
    tables = _markdown(
        ("in `host.toml`", "description", "default"),
        [
            *(
                (f"`[{name}{'.NAME' if name in NAMED else ''}]`", field.description or "", "")
                for name, field in Settings.model_fields.items()
                if name in FILE_ONLY
            ),
            *(
                (f"`personas.NAME.{name}`", field.description or "", _default(field))
                for name, field in PersonaSettings.model_fields.items()
                if name not in Shared.model_fields
            ),
            *(
                (f"`words.{name}`", field.description or "", _default(field))
                for name, field in Words.model_fields.items()
            ),
        ],
    )
    return f"{shared}\n\n{plugins_table()}\n\n{tables}"


def plugins_table() -> str:
    """Return the table of the bundled plugins' settings."""
    return _markdown(
        ("variable", "in `[plugins.NAME]`", "description", "default"),
        [
            (
                f"`{variables_of(plugin.name, plugin.settings)[name][0]}`",
                f"`{plugin.name}.{name}`",
                field.description or "",
                _default(field),
            )
            for plugin in bundled_plugins()
            if plugin.settings
            for name, field in plugin.settings.model_fields.items()
        ],
    )


FILE_ONLY = ("transfers", "words", "personas", "plugins")
"""Settings that are tables of host.toml, and have no variable."""


NAMED = ("personas", "plugins")
"""Settings with one table per name."""


def markdown() -> str:
    """Return the generated tables of README.md and docs/settings.md with their markers."""
    return "\n\n".join(
        f"<!-- {name} -->\n{table}\n<!-- /{name} -->"
        for name, table in (("hooks", hook_table()), ("settings", settings_table()))
    )


def _default(field: FieldInfo) -> str:
    """Return the default of a setting; empty if there is none."""
    value = field.get_default(call_default_factory=True)
    if isinstance(value, tuple):
        value = ", ".join(value)
    if isinstance(value, SecretStr | Words) or value in (None, "", (), {}):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    lines = [head, ["---"] * len(head), *escaped]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _section(title: str, rows: Sequence[Sequence[str]]) -> str:
    """Format rows under a title in aligned columns, without empty columns."""
    if not rows:
        return ""
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True) if width
        ).rstrip()
        for row in rows
    ]
    return "\n".join([title, *(f"  {line}" for line in lines)])


def _json(value: Any) -> str:
    return json.dumps(value, indent=2)
