"""Reads plugin settings, whose models are known only once the plugins are loaded."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import BaseModel

from host.base.errors import SettingsError
from host.base.text import close_to
from host.privacy.secrets import secrets_in
from host.registry.frozen import Registry
from host.settings import PluginValues, Settings, with_any_keys
from host.settings.paths import beside
from host.settings.plugins import (
    Table,
    WithPlugins,
    any_keys,
    faults_of_plugin,
    read_environment,
    variables_of,
)

Tables = TypeVar("Tables", bound=WithPlugins)


def with_plugin_settings(
    settings: Settings,
    loaded: Registry,
    given: Mapping[str, Table] = MappingProxyType({}),
    mcp: Mapping[str, Any] = MappingProxyType({}),
) -> Settings:
    """Return settings with the plugins' settings from host.toml and the environment.

    `given` takes precedence over both: plugin to field to value. `mcp` are a test's MCP servers, by
    the addresses of those that they replace. Raises SettingsError with one line that names every
    fault.
    """
    settings = _beside_host_toml(settings, loaded)
    faults = [*_unknown_tables(settings, loaded), *_shared_by_two(loaded)]
    environment: dict[str, Table] = {}
    variables: set[str] = set()
    for plugin in loaded.plugins:
        if (model := plugin.settings) is None:
            continue
        names = variables_of(plugin.name, model)
        variables.update(variable for each in names.values() for variable in each)
        read = read_environment(plugin.name, model)
        environment[plugin.name] = {field: value for field, (_, value) in read.items()}
        places = {field: variable for field, (variable, _) in read.items()}
        more = given.get(plugin.name, {})
        places |= dict.fromkeys(more, f"plugins[{plugin.name!r}]")
        faults += _faults(
            settings, plugin.name, model, {**environment[plugin.name], **more}, places
        )
    if faults:
        raise SettingsError("; ".join(faults))
    known = PluginValues(
        environment,
        frozenset(map(str.upper, variables)),
        given=dict(given),
        references={name: os.environ[name] for name in settings.references if os.environ.get(name)},
        mcp=dict(mcp),
    )
    complete = settings.with_plugins(known)
    return settings.with_plugins(
        replace(
            known,
            secrets=frozenset(_secrets(complete, loaded)),
            passed=tuple(_passed(complete, loaded)),
        )
    )


def _beside_host_toml(settings: Settings, loaded: Registry) -> Settings:
    """Return settings whose plugins' tables have relative paths that begin beside host.toml."""
    models = {plugin.name: plugin.settings for plugin in loaded.plugins if plugin.settings}

    def placed(of: Tables) -> Tables:
        known = {name: table for name, table in of.plugins.items() if name in models}
        tables = {
            name: beside(settings.config, models[name].model_fields, table)
            for name, table in known.items()
        }
        if tables == known:
            return of
        return of.model_copy(update={"plugins": {**of.plugins, **tables}})

    personas = {name: placed(persona) for name, persona in settings.personas.items()}
    return placed(settings).model_copy(update={"personas": personas})


def with_any_plugin_keys(settings: Settings, loaded: Registry) -> Settings:
    """Return settings with a placeholder for every required key, the plugins' keys included."""
    keys = {
        plugin.name: {name: "any" for name in any_keys(plugin.settings)}
        for plugin in loaded.plugins
        if plugin.settings
    }
    return with_any_keys(settings).with_plugins(PluginValues(keys))


def _faults(
    settings: Settings,
    plugin: str,
    model: type[BaseModel],
    environment: Table,
    variables: Mapping[str, str],
) -> list[str]:
    """Report the faults of one plugin's settings: the shared ones, or else each persona's."""
    shared = {**settings.plugins.get(plugin, {}), **environment}
    places = {"": f"{settings.config}: [plugins.{plugin}]", **variables}
    if faults := list(faults_of_plugin(plugin, model, shared, places)):
        return faults
    return [
        fault
        for persona, table in settings.personas.items()
        if (own := table.plugins.get(plugin))
        for fault in faults_of_plugin(
            plugin,
            model,
            {**shared, **own},
            {"": f"{settings.config}: [personas.{persona}.plugins.{plugin}]"},
        )
    ]


def _shared_by_two(loaded: Registry) -> Iterator[str]:
    """Report models and variables that two plugins have: one would read the other's settings.

    A variable that an alias names may be shared, such as a key.
    """
    of_model: dict[type[BaseModel], str] = {}
    of_variable: dict[str, str] = {}
    for plugin in loaded.plugins:
        if (model := plugin.settings) is None:
            continue
        if model in of_model:
            yield (
                f"plugins {of_model[model]} and {plugin.name} return the same model "
                f"{model.__name__} from plugin_settings(): give each a class of its own"
            )
        of_model[model] = plugin.name
        for field, (*_, variable) in variables_of(plugin.name, model).items():
            owner = f"{field} of plugin {plugin.name}"
            if variable in of_variable:
                both = f"{of_variable[variable]} and to {owner}"
                yield f"{variable} belongs to {both}: rename one of them"
            of_variable[variable] = owner


def _unknown_tables(settings: Settings, loaded: Registry) -> Iterator[str]:
    """Report tables of host.toml for plugins that are not installed or have no settings."""
    of_name = {plugin.name: plugin for plugin in loaded.plugins}
    tables = {f"plugins.{name}": name for name in settings.plugins}
    for persona, own in settings.personas.items():
        tables |= {f"personas.{persona}.plugins.{name}": name for name in own.plugins}
    for place, name in tables.items():
        if name in of_name:
            if of_name[name].settings is None:
                yield f"{settings.config}: [{place}]: plugin {name} has no settings"
        elif name not in loaded.disabled:
            hint = close_to(name, of_name)
            yield f"{settings.config}: [{place}]: there is no plugin {name}{hint}"


def _secrets(settings: Settings, loaded: Registry) -> Iterator[str]:
    for name in ("", *settings.personas):
        for server in settings.persona(name).mcp:
            yield from server.secrets()
    for plugin in loaded.plugins:
        if plugin.settings:
            yield from secrets_in(settings.plugin(plugin.settings))
            for persona, own in settings.personas.items():
                if plugin.name in own.plugins:
                    yield from secrets_in(settings.persona(persona).plugin(plugin.settings))


def _passed(settings: Settings, loaded: Registry) -> Iterator[str]:
    for plugin, ask in loaded.views.each_plugin("pass_environment"):
        try:
            answers: Any = ask(settings=settings)
            for answer in answers:
                # A string is one name: its letters, and a star among them, would be many.
                for name in [answer] if isinstance(answer, str) else answer or ():
                    if not _PASSED.fullmatch(name):
                        raise ValueError(f"{name!r} is no variable's name, or its beginning and *")
                    yield name
        except Exception as error:
            raise SettingsError(f"plugin {plugin}: pass_environment() failed: {error}") from error


_PASSED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\*?", re.ASCII)
