"""Validates names of personas and plugins in the settings against the loaded ones."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from host.base.text import close_to
from host.registry.check import answered_first
from host.registry.found import Broken, Plugin, shown
from host.settings import Settings


def check_personas(
    settings: Settings, good: Iterable[str], absent: Iterable[str]
) -> Iterator[Broken]:
    """Report personas of host.toml that do not exist."""
    config = shown(settings.config)
    for name in settings.personas:
        if name not in good and name not in absent:
            line = _line(settings.config, _table(name))
            yield Broken(config, line, f"[personas.{name}]: there is no {_meant(name, good)}")
    yield from _check_handovers(settings, good, absent)
    name = settings.default_persona or ""
    if name and name not in good:
        line = _line(settings.config, r"\s*default_persona\s*=")
        place = config if line else "HOST_DEFAULT_PERSONA"
        fault = f"{name} is not loaded" if name in absent else f"there is no {_meant(name, good)}"
        yield Broken(place, line, f"default persona: {fault}")


def _check_handovers(
    settings: Settings, good: Iterable[str], absent: Iterable[str]
) -> Iterator[Broken]:
    """Report names in `hands_over_to` that no call can be handed over to."""
    for persona, table in settings.personas.items():
        for name in table.hands_over_to:
            if name == persona:
                fault = f"{name} is itself"
            elif name in absent:
                fault = f"{name} is not loaded"
            elif name not in good:
                fault = f"there is no {_meant(name, good)}"
            else:
                continue
            line = _line(settings.config, r"\s*hands_over_to\s*=", below=_table(persona))
            place = shown(settings.config)
            yield Broken(place, line, f"[personas.{persona}] hands_over_to: {fault}")


def check_plugin_names(settings: Settings, known: Collection[str]) -> Iterator[Broken]:
    """Report unknown plugin names in the settings."""
    for setting in ("disable_plugins", "plugin_order"):
        for name in getattr(settings, setting):
            if name not in known:
                line = _line(settings.config, rf"\s*{setting}\s*=")
                place = shown(settings.config) if line else f"HOST_{setting}".upper()
                hint = close_to(name, known)
                yield Broken(place, line, f"{setting}: there is no plugin {name}{hint}")


def check_order(settings: Settings, plugins: Iterable[Plugin]) -> Iterator[Broken]:
    """Report questions that two plugins answer while `plugin_order` ranks neither."""
    answer: defaultdict[str, list[str]] = defaultdict(list)
    for plugin in plugins:
        if not plugin.bundled and plugin.name not in settings.plugin_order:
            for hook in answered_first(plugin.module):
                answer[hook].append(plugin.name)
    for hook, names in answer.items():
        if len(names) > 1:
            yield Broken(
                shown(settings.config),
                None,
                f"plugins {' and '.join(names)} both answer {hook}(): say in plugin_order which is "
                "asked first",
            )


def _meant(name: str, good: Iterable[str]) -> str:
    return f"persona {name}{close_to(name, good)}"


def _table(persona: str) -> str:
    """Return the pattern of a line that begins a table of a persona."""
    return rf"\s*\[\s*personas\s*\.\s*[\"']?{re.escape(persona)}[\"']?\s*[].]"


def _line(config: Path, pattern: str, *, below: str = "") -> int | None:
    """Return the first line of host.toml that matches, `below` one that matches another pattern.

    None if there is none.
    """
    try:
        lines = config.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    found = not below
    for at, line in enumerate(lines, 1):
        if found and re.match(pattern, line):
            return at
        found = found or bool(re.match(below, line))
    return None
