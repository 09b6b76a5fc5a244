"""Validates a loaded module: each fault with the line of its `def` and its remedy.

pluggy itself misses most of these, a misspelt hook for example.
"""

from __future__ import annotations

import ast
import contextlib
import difflib
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pluggy
from pydantic import BaseModel
from pydantic_settings import BaseSettings

from host.call import hooks as hookspecs
from host.registry.find import Kind, Source
from host.registry.found import Broken, describe, shown
from host.registry.hooks import FOR_PLUGINS, HOOKS, Hook
from host.settings import variables_of_settings
from host.settings.plugins import variables_of

NAME = re.compile(r"[a-z0-9]+([_-][a-z0-9]+)*")
"""Spelling of a persona's name, which doubles as a room prefix."""

MARK = "host_impl"
"""Attribute in which pluggy's HookimplMarker("host") stores its options."""


def check_name(source: Source) -> Iterator[Broken]:
    """Report an invalid persona name."""
    if source.kind == "persona" and not NAME.fullmatch(source.name):
        yield Broken(
            source.path,
            1,
            f"{source.name!r} is no name for a persona: a room prefix has lower-case letters and "
            "digits, parted by - or _",
        )


def check_module(kind: Kind, module: ModuleType, path: str) -> list[Broken]:
    """Report every fault of a loaded persona or plugin, sorted by line."""
    faults: list[Broken] = []
    meant: set[str] = set()
    for name, value in list(vars(module).items()):
        options = _mark(value)
        if options is None:
            if name in HOOKS and _defined_in(module, value):
                meant.add(name)
                faults.append(_at(value, f"{name}() has the name of a hook but no @hookimpl"))
            continue
        hook_name = options.get("specname") or name
        if type(value) is not FunctionType:
            line = _line(module.__file__, name)
            faults.append(Broken(path, line, f"@hookimpl is on {name}, which is no function"))
        elif hook := HOOKS.get(hook_name):
            faults += [_at(value, text) for text in _mismatches(kind, hook, value, options)]
        elif not options.get("optionalhook"):
            close = difflib.get_close_matches(hook_name, HOOKS, 1)
            meant.update(close)
            hint = f"; did you mean {close[0]}()?" if close else ""
            faults.append(_at(value, f"unknown hook {hook_name}(){hint}"))
        meant.add(hook_name)
    if kind == "persona" and not meant & {"instructions", "agent"}:
        faults.append(Broken(path, 1, "a persona needs instructions(call) or agent(call)"))
    return sorted(faults, key=lambda fault: (fault.file, fault.line or 0))


def check_declared(source: Source, module: ModuleType, path: str) -> Iterator[Broken]:
    """Report an invalid `plugin_settings` model, and settings that collide with the host's."""
    if source.kind != "plugin" or "plugin_settings" not in answered_by(module):
        return
    try:
        model: object = declared_by(module)
    except (Exception, SystemExit) as error:
        yield Broken(path, None, f"plugin_settings() failed: {describe(error)}")
        return
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        yield Broken(path, None, "plugin_settings() must return a class, a pydantic BaseModel")
        return
    if issubclass(model, BaseSettings):  # it would read the environment, which calls don't have
        yield Broken(path, None, "plugin_settings() must return a BaseModel, and no BaseSettings")
        return
    with contextlib.suppress(Exception):
        model.model_rebuild()
    if not model.__pydantic_complete__:
        what = "import the types of its fields outside of `if TYPE_CHECKING:`"
        yield Broken(path, None, f"plugin_settings(): {model.__name__} is not defined: {what}")
        return
    taken = variables_of_settings()
    for name, variables in variables_of(source.name, model).items():
        for variable in variables:
            if variable.upper() in taken:
                yield Broken(path, None, f"its setting {name} would be {variable}, the host's own")


def declared_by(module: ModuleType) -> type[BaseModel] | None:
    """Return the plugin's settings model; None if it has none. Raises what the hook raises."""
    if "plugin_settings" not in answered_by(module):
        return None
    manager = pluggy.PluginManager("host")
    manager.add_hookspecs(hookspecs)
    manager.register(module)
    answers: list[type[BaseModel]] = manager.hook.plugin_settings()
    return answers[0] if answers else None


def answered_by(module: ModuleType) -> dict[str, Mapping[str, Any]]:
    """Return the module's hooks, each with the options of its @hookimpl."""
    marked = ((name, _mark(value)) for name, value in vars(module).items())
    return {options.get("specname") or name: options for name, options in marked if options}


def answered_first(module: ModuleType) -> list[str]:
    """Return its first-result hooks that declare no position (tryfirst, trylast, wrapper)."""
    return [
        name
        for name, options in answered_by(module).items()
        if name in HOOKS and HOOKS[name].first and name != "provide"
        if not any(options.get(each) for each in _ORDERING)
    ]


_ORDERING = ("wrapper", "hookwrapper", "tryfirst", "trylast")


def _mark(value: object) -> Mapping[str, Any] | None:
    """Return the options of @hookimpl, without running any code of the object.

    isinstance() would run code: a proxy may override `__class__`, or raise there.
    """
    if type(value) is FunctionType:
        options = value.__dict__.get(MARK)
    else:
        options = inspect.getattr_static(value, MARK, None)
    return options if type(options) is dict else None


def _defined_in(module: ModuleType, value: object) -> bool:
    return type(value) is FunctionType and value.__module__ == module.__name__


def _mismatches(
    kind: Kind, hook: Hook, function: FunctionType, options: Mapping[str, Any]
) -> Iterator[str]:
    wraps = bool(options.get("wrapper") or options.get("hookwrapper"))
    if hook.name in FOR_PLUGINS:
        if kind == "persona":
            yield f"{hook.name}() belongs in a plugin: {FOR_PLUGINS[hook.name]}"
        elif wraps:
            yield f"{hook.name}() can't be a wrapper: each plugin is asked by itself"
    yield from _arguments(hook, function)
    yield from _wrapping(hook, function, options) if wraps else _timing(hook, function)


def _arguments(hook: Hook, function: FunctionType) -> Iterator[str]:
    """Report arguments that the hook does not pass. The author's own ones have a default."""
    for argument in inspect.signature(function).parameters.values():
        if argument.kind in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD):
            stars = "*" if argument.kind == argument.VAR_POSITIONAL else "**"
            yield f"{hook.name}() gives nothing to {stars}{argument.name}; it takes {hook.takes}"
        elif argument.name not in hook.arguments:
            if argument.default is argument.empty:
                yield f"{hook.name}() has no argument {argument.name}; it takes {hook.takes}"
        elif argument.default is not argument.empty or argument.kind == argument.KEYWORD_ONLY:
            yield f"{hook.name}() needs {argument.name} plain, without a default or a * before it"


def _wrapping(hook: Hook, function: FunctionType, options: Mapping[str, Any]) -> Iterator[str]:
    if not inspect.isgeneratorfunction(inspect.unwrap(function)):
        yield f"{hook.name}() is a wrapper, so it must be a plain `def` that yields once"
    if options.get("wrapper") and options.get("hookwrapper"):
        yield f"{hook.name}() can't be both wrapper and hookwrapper; leave hookwrapper out"


def _timing(hook: Hook, function: FunctionType) -> Iterator[str]:
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        yield f"{hook.name}() yields; return the answer, or wrap with @hookimpl(wrapper=True)"
    elif hook.is_async and not inspect.iscoroutinefunction(function):
        yield f"{hook.name}() is an event and awaited: write `async def {hook.name}`"
    elif not hook.is_async and inspect.iscoroutinefunction(function):
        yield f"{hook.name}() is a question and answered at once: write `def`, not `async def`"


def _at(function: Callable[..., object], error: str) -> Broken:
    code = inspect.unwrap(function).__code__
    line = _line(code.co_filename, code.co_name, code.co_firstlineno)
    return Broken(shown(code.co_filename), line, error)


def _line(file: str | None, name: str, first: int = 0) -> int:
    """Return the line of a `def`; `first` is the line of its first decorator, if known."""
    try:
        tree = ast.parse(Path(file or "").read_bytes())
    except (OSError, SyntaxError, ValueError, SystemError):
        # SystemError: a bug of CPython up to 3.11, where parsing fails if a task that is garbage
        # collected meanwhile logs the traceback of its exception.
        return first or 1
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            top = min(part.lineno for part in (node, *node.decorator_list))
            if first in (0, top, node.lineno):
                return node.lineno
    return first or 1
