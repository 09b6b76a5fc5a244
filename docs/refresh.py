"""Refresh what README.md and docs/ show of the code: `make docs`.

A generated part stands between the markers `<!-- NAME -->` and `<!-- /NAME -->`. The schema of a
call record is a file of its own. `host.example.toml` gets the settings that it lacks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from reference import call_table, hook_sections, hook_table
from schemas import api_sections, record_tables
from tables import table

from host.records.outcome import Outcome
from host.records.schema import schema
from host.registry import bundled_plugins
from host.settings import (
    PersonaSettings,
    Settings,
    Shared,
    SipTrunks,
    Words,
    env_name,
)
from host.settings.plugins import variables_of
from host.settings.prices import LinePrice, ModelPrice, Prices

ROOT = Path(__file__).resolve().parent.parent
FILE_ONLY = ("transfers", "words", "sip", "prices", "personas", "plugins")
"""Settings that are tables of host.toml, and have no variable."""
PRICES: dict[str, type[BaseModel]] = {
    "prices": Prices,
    'prices.models."PROVIDER/MODEL"': ModelPrice,
    "prices.line": LinePrice,
    "prices.trunks.ST_...": LinePrice,
}
"""The tables of prices, by their names."""
NAMED = ("personas", "plugins")
"""Settings with one table per name."""
FIRST_SETTINGS = (
    *("trunk", "caller_id", "countries", "calling_hours", "stt", "llm", "tts", "language"),
    *("record", "max_calls"),
)
"""Settings that README shows: those that a new deployment needs first."""
EXAMPLE = ROOT / "host.example.toml"


def outcome_table() -> str:
    """Return a row for each outcome."""
    return table(
        ("exit code", "outcome", "meaning", "a retry may succeed"),
        (
            (
                str(outcome.exit_code),
                f"`{outcome}`",
                outcome.description,
                "yes" if outcome.retryable() else "",
            )
            for outcome in Outcome
        ),
    )


def setting_tables() -> str:
    """Return the tables of the host's settings, of plugins' settings, and of host.toml alone."""
    variables = (name for name in Settings.model_fields if name not in FILE_ONLY)
    return "\n\n".join((_variables(variables), _plugins(), _only_in_the_file()))


def ten_settings() -> str:
    """Return the rows of the settings that README shows."""
    return _variables(FIRST_SETTINGS)


PARTS: dict[tuple[str, str], Callable[[], str]] = {
    ("README.md", "ten settings"): ten_settings,
    ("docs/api-reference.md", "api"): api_sections,
    ("docs/call-record.md", "record"): record_tables,
    ("docs/commands.md", "outcomes"): outcome_table,
    ("docs/hooks.md", "call"): call_table,
    ("docs/hooks.md", "hooks"): hook_table,
    ("docs/hooks.md", "hooks in full"): hook_sections,
    ("docs/settings.md", "settings"): setting_tables,
}
"""The generated parts: file and marker."""


def refreshed() -> dict[Path, str]:
    """Return the files with generated parts as they should be. ValueError: a marker is missing."""
    texts = {ROOT / "docs" / "call-record.schema.json": f"{schema()}\n"}
    texts[EXAMPLE] = with_all_settings(EXAMPLE.read_text())
    for (name, marker), make in PARTS.items():
        begin, end = f"<!-- {marker} -->", f"<!-- /{marker} -->"
        file = ROOT / name
        parts = re.split(f"{begin}.*?{end}", texts.get(file) or file.read_text(), flags=re.DOTALL)
        if len(parts) != 2:
            raise ValueError(f"{name} has {len(parts) - 1} parts {begin} ... {end}, not one")
        texts[file] = f"{begin}\n{make()}\n{end}".join(parts)
    return texts


def with_all_settings(example: str) -> str:
    """Add a line to host.example.toml for each setting and sentence that it lacks.

    The line shows the default and comes after that of the setting before. Examples for settings
    without a default are written by hand, as are comments.
    """
    settings, words, rest = re.split(r"(?=^\[words\]$|^# Settings of plugins)", example, flags=re.M)
    return _with_fields(settings, Settings) + _with_fields(words, Words) + rest


def _with_fields(part: str, model: type[BaseModel]) -> str:
    lines = part.splitlines(keepends=True)
    last = -1
    for name, field in model.model_fields.items():
        at = next((i for i, line in enumerate(lines) if line.startswith(f"# {name} = ")), None)
        default = field.get_default(call_default_factory=True)
        if at is not None:
            last = at
        elif isinstance(default, str | int | float | tuple) and default != "":
            last += 1
            lines.insert(last, f"# {name} = {json.dumps(default, ensure_ascii=False)}\n")
    return "".join(lines)


def main() -> None:
    """Write the files that are out of date, and name them."""
    for file, text in refreshed().items():
        if file.read_text() != text:
            file.write_text(text)
            print(f"refreshed {file.relative_to(ROOT)}")


def _variables(names: Iterable[str]) -> str:
    fields = Settings.model_fields
    return table(
        ("variable", "per persona", "description", "default"),
        (
            (
                f"`{env_name(name)}`",
                "yes" if name in Shared.model_fields else "",
                fields[name].description or "",
                _default(fields[name]),
            )
            for name in names
        ),
    )


def _plugins() -> str:
    return table(
        ("variable", "in `[plugins.NAME]`", "description", "default"),
        (
            (
                f"`{variables_of(plugin.name, plugin.settings)[name][0]}`",
                f"`{plugin.name}.{name}`",
                field.description or "",
                _default(field),
            )
            for plugin in bundled_plugins()
            if plugin.settings
            for name, field in plugin.settings.model_fields.items()
        ),
    )


def _only_in_the_file() -> str:
    return table(
        ("in `host.toml`", "description", "default"),
        (
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
                (f"`sip.{name}`", field.description or "", _default(field))
                for name, field in SipTrunks.model_fields.items()
            ),
            *(
                (f"`{where}.{name}`", field.description or "", _default(field))
                for where, model in PRICES.items()
                for name, field in model.model_fields.items()
            ),
            *(
                (f"`words.{name}`", field.description or "", _default(field))
                for name, field in Words.model_fields.items()
            ),
        ),
    )


def _default(field: FieldInfo) -> str:
    """Return the default of a setting; empty if there is none."""
    value = field.get_default(call_default_factory=True)
    if isinstance(value, tuple):
        value = ", ".join(value)
    if isinstance(value, SecretStr | BaseModel) or value in (None, "", (), {}):
        return ""
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


if __name__ == "__main__":
    main()
