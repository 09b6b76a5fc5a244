"""Builds the registry from settings: discovers, loads and validates, and drops broken modules."""

from __future__ import annotations

import functools
import os
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from types import MappingProxyType, ModuleType

from host.base.e164 import canonical
from host.base.errors import SettingsError
from host.base.paths import BUNDLED_PLUGINS
from host.privacy.environment import as_in_a_call
from host.registry.check import check_declared, check_module, check_name, declared_by
from host.registry.find import Kind, Source, in_folder, installed
from host.registry.found import Broken, Persona, Plugin, describe, shown
from host.registry.frozen import Registry
from host.registry.names import check_order, check_personas, check_plugin_names
from host.registry.routes import make_routes
from host.registry.view import Views, build_plugin_manager
from host.settings import Settings
from host.settings.plugins import declare

_loaded: list[tuple[object, Registry]] = []
"""Cached registries by their settings. A list, because persona settings are not hashable."""


def load(settings: Settings) -> Registry:
    """Return the registry of these settings; cached per process.

    Raises SettingsError if two personas claim one number or prefix.
    """
    wanted = (
        Path.cwd(),
        settings.config,
        settings.personas_dir,
        settings.plugins_dir,
        settings.disable_plugins,
        settings.plugin_order,
        settings.default_persona,
        settings.countries,
        settings.caller_id,
        settings.pass_environment,
        dict(settings.personas),
    )
    for known, registry in _loaded:
        if known == wanted:
            return registry
    registry = load_afresh(settings)
    _loaded.append((wanted, registry))
    return registry


def load_afresh(settings: Settings) -> Registry:
    """Load the registry without the cache, rereading every file. Raises SettingsError."""
    loader = _Loader()
    with as_in_a_call(settings):
        bundled = _bundled(settings.disable_plugins)
        plugins = _in_order(
            [*bundled, *loader.plugins(settings, {plugin.name for plugin in bundled})],
            settings.plugin_order,
        )
        personas = loader.fill("persona", settings.personas_dir)
    absent = loader.names["persona"] - {source.name for source, _ in personas}
    tables = settings.personas
    regions = settings.regions
    numbers = {name: _numbers(name, table.numbers, regions) for name, table in tables.items()}
    good = {
        source.name: Persona(
            source.name,
            shown(module.__file__ or source.file),
            (module.__doc__ or "").strip().partition("\n")[0],
            numbers.get(source.name, ()),
            module,
            tables[source.name].hands_over_to if source.name in tables else (),
        )
        for source, module in personas
    }
    for plugin in plugins:
        if plugin.settings:
            declare(plugin.name, plugin.settings)
    known = {*loader.names["plugin"], *(plugin.name for plugin in plugins)}
    return Registry(
        MappingProxyType(good),
        plugins,
        (
            *loader.broken,
            *check_personas(settings, good, absent),
            *check_plugin_names(settings, {*known, *(plugin.name for plugin in bundled_plugins())}),
            *check_order(settings, plugins),
        ),
        make_routes(
            good,
            absent=absent,
            prefixes={name: table.prefixes for name, table in tables.items()},
            numbers=numbers,
            default=settings.default_persona,
            regions=regions,
        ),
        Views(plugins, tuple(good.values())),
        shown(settings.personas_dir),
        shown(settings.plugins_dir),
        frozenset({*known, *settings.disable_plugins} - {plugin.name for plugin in plugins}),
    )


def _numbers(persona: str, written: Iterable[str], regions: Iterable[str]) -> tuple[str, ...]:
    """Return a persona's numbers as they are compared. Raises SettingsError."""
    numbers = {number: canonical(number, regions) for number in written}
    for number, found in numbers.items():
        if found is None:
            raise SettingsError(
                f"[personas.{persona}] numbers: {number} is of no known country: write it with its "
                "country code, as +4930123456, or set countries"
            )
    return tuple(dict.fromkeys(found for found in numbers.values() if found))


def _bundled(disabled: Collection[str]) -> list[Plugin]:
    return [plugin for plugin in bundled_plugins() if plugin.name not in disabled]


@functools.cache
def bundled_plugins() -> tuple[Plugin, ...]:
    """Load the bundled plugins; cached, since they do not change."""
    loader = _Loader()
    found = [
        _plugin(source, module, bundled=True)
        for source, module in loader.fill("plugin", BUNDLED_PLUGINS, entry_points=False)
    ]
    assert not loader.broken, loader.broken
    return tuple(found)


def _in_order(plugins: Iterable[Plugin], order: Sequence[str]) -> tuple[Plugin, ...]:
    """Sort in registration order, first called last; the bundled plugins are called last."""
    ranks = {name: len(order) - at for at, name in reversed([*enumerate(order)])}
    of_name = {plugin.name: plugin for plugin in plugins}  # a user's plugin replaces a bundled one
    return tuple(
        sorted(
            of_name.values(),
            key=lambda plugin: (ranks.get(plugin.name, 0), not plugin.bundled, plugin.name),
        )
    )


def _plugin(
    source: Source, module: ModuleType, *, bundled: bool = False, replaces: bool = False
) -> Plugin:
    file = str(source.file) if bundled else shown(module.__file__ or source.file)
    return Plugin(source.name, file, module, bundled, replaces, declared_by(module))


class _Loader:
    """Loads modules one by one and collects the faults of those it rejects."""

    def __init__(self) -> None:
        self.broken: list[Broken] = []
        self.names: dict[Kind, set[str]] = {"persona": set(), "plugin": set()}
        """Names of all candidates, valid or broken."""
        self._owners: dict[ModuleType, Source] = {}
        self._trial = build_plugin_manager((), ())

    def plugins(self, settings: Settings, bundled: Collection[str]) -> list[Plugin]:
        """Load the user's plugins; return the valid ones."""
        folder = settings.plugins_dir
        is_bundled = os.path.realpath(folder) == os.path.realpath(BUNDLED_PLUGINS)
        found = self.fill(
            "plugin",
            None if is_bundled else folder,
            needed="plugins_dir" in settings.model_fields_set,
            disabled=settings.disable_plugins,
        )
        return [
            _plugin(source, module, replaces=source.name in bundled) for source, module in found
        ]

    def fill(
        self,
        kind: Kind,
        folder: Path | None,
        *,
        needed: bool = True,
        entry_points: bool = True,
        disabled: Collection[str] = (),
    ) -> list[tuple[Source, ModuleType]]:
        """Load all personas or plugins; return the valid ones."""
        by_name: defaultdict[str, list[Source]] = defaultdict(list)
        in_it = in_folder(kind, folder, needed=needed) if folder else ()
        for source in (*in_it, *(installed(kind) if entry_points else ())):
            if isinstance(source, Broken):
                self.broken.append(source)
                continue
            self.names[kind].add(source.name)
            if source.name not in disabled:
                by_name[source.name].append(source)
        good = []
        for source in (source for namesakes in by_name.values() for source in namesakes):
            module = source.load()
            faults = [
                *check_name(source),
                *_check_namesakes(source, by_name[source.name]),
                *self._check(source, module),
            ]
            self.broken += faults
            if not faults and isinstance(module, ModuleType):
                good.append((source, module))
        return good

    def _check(self, source: Source, module: ModuleType | Broken) -> list[Broken]:
        if isinstance(module, Broken):
            return [module]
        owner = self._owners.setdefault(module, source)
        if owner is not source:
            return [Broken(source.path, 1, f"this is {owner.kind} {owner.name} already")]
        path = shown(module.__file__ or source.file)
        return (
            check_module(source.kind, module, path)
            or self._try(source.kind, module, path)
            or list(check_declared(source, module, path))
        )

    def _try(self, kind: Kind, module: ModuleType, path: str) -> list[Broken]:
        """Let pluggy validate the module in a separate manager, to isolate a failure."""
        try:
            self._trial.register(module, f"{kind} {path}")
        except Exception as error:
            return [Broken(path, 1, f"pluggy refuses it: {describe(error)}")]
        return []


def _check_namesakes(source: Source, namesakes: Iterable[Source]) -> Iterator[Broken]:
    """Report sources that share a name; both are rejected, since a route can't tell them apart."""
    others = [other.path for other in namesakes if other is not source]
    if others:
        yield Broken(
            source.path, 1, f"two {source.kind}s are named {source.name}: also {', '.join(others)}"
        )
