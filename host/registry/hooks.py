"""The hooks as data, read from `host.call.hooks`: arguments, kind and return type."""

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
"""Hooks that only plugins may implement, and why."""


@dataclass(frozen=True)
class Hook:
    """One hook specification."""

    name: str
    function: Callable[..., Any]
    arguments: tuple[str, ...]
    first: bool
    """True: the first answer that is not None wins. False: all answers are collected."""
    is_async: bool

    @property
    def takes(self) -> str:
        """Its arguments as in a `def`."""
        return f"({', '.join(self.arguments)})"

    @property
    def kind(self) -> str:
        """Its kind: question or event, and first answer or all."""
        what = "event, async" if self.is_async else "question"
        return f"{what}, {'first answer' if self.first else 'all'}"

    @property
    def answer(self) -> str:
        """Its return annotation, as written."""
        return str(inspect.signature(self.function).return_annotation)

    @property
    def signature(self) -> str:
        """Its signature with types, as an author writes it."""
        parameters = inspect.signature(self.function).parameters.values()
        typed = ", ".join(f"{parameter.name}: {parameter.annotation}" for parameter in parameters)
        start = "async def" if self.is_async else "def"
        return f"{start} {self.name}({typed}) -> {self.answer}"

    @property
    def doc(self) -> str:
        """First line of its docstring."""
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
"""All hooks by name, in the order of a call."""
