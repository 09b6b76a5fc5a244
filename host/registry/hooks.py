"""The hooks as data, read from hookspecs.py: what they take, who is asked, and how."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import pluggy

from host.call import hooks as hookspecs

FOR_PLUGINS = {
    "register_commands": "commands exist before any call",
    "plugin_settings": "a persona's settings are a table [personas.NAME] of host.toml",
    "pass_environment": "what a persona needs is named in the setting pass_environment",
    "while_serving": "a worker serves all personas",
    "choose_persona": "no persona speaks on a call that is not yet its own",
}
"""Hooks that a persona can't have, and why."""


@dataclass(frozen=True)
class Hook:
    """One hook of hookspecs.py."""

    name: str
    function: Callable[..., Any]
    arguments: tuple[str, ...]
    first: bool
    """True where the first answer that is not None wins, False where all are gathered."""
    is_async: bool

    @property
    def takes(self) -> str:
        """Its arguments as they stand in a `def`."""
        return f"({', '.join(self.arguments)})"

    @property
    def kind(self) -> str:
        """Whether it is a question or an event, and whose answers count."""
        what = "event, async" if self.is_async else "question"
        return f"{what}, {'first answer' if self.first else 'all'}"

    @property
    def answer(self) -> str:
        """The type of its answer, as hookspecs.py writes it."""
        return str(inspect.signature(self.function).return_annotation)

    @property
    def signature(self) -> str:
        """How an author writes it, with types."""
        parameters = inspect.signature(self.function).parameters.values()
        typed = ", ".join(f"{parameter.name}: {parameter.annotation}" for parameter in parameters)
        start = "async def" if self.is_async else "def"
        return f"{start} {self.name}({typed}) -> {self.answer}"

    @property
    def doc(self) -> str:
        """The first line of its docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]


def _read_hooks() -> Mapping[str, Hook]:
    manager = pluggy.PluginManager("host")
    hooks = {}
    for name, function in vars(hookspecs).items():
        if (options := manager.parse_hookspec_opts(hookspecs, name)) is not None:
            arguments = tuple(inspect.signature(function).parameters)
            is_async = inspect.iscoroutinefunction(function)
            hooks[name] = Hook(name, function, arguments, options["firstresult"], is_async)
    return MappingProxyType(hooks)


HOOKS = _read_hooks()
"""Every hook by its name, in the order of a call."""
