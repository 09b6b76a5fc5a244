"""Builds the registry from settings: discovers, loads and validates, and drops broken modules."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from types import MappingProxyType

from host.base.e164 import canonical
from host.base.errors import SettingsError
from host.base.paths import BUNDLED_PLUGINS
from host.privacy.environment import as_in_a_call
from host.registry.code import Code, set_aside
from host.registry.found import Persona, Plugin, shown
from host.registry.frozen import Registry
from host.registry.loader import Loader, plugin_of
from host.registry.names import check_order, check_personas, check_plugin_names
from host.registry.routes import make_routes
from host.registry.view import Views
from host.settings import Settings
from host.settings.plugins import declare

_loaded: list[tuple[object, Registry]] = []
"""Cached registries by their settings. A list, because persona settings are not hashable."""


def load(settings: Settings, code: Code | None = None) -> Registry:
    """Return the registry of these settings; cached per process.

    With `code`, it is loaded from this instead of the files, and replaces all others of the
    process. Raises SettingsError if two personas claim one number or prefix.
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
        if known == wanted and code in (None, registry.code):
            return registry
    registry = load_afresh(settings, code)
    if code is not None:
        _loaded.clear()
    _loaded.append((wanted, registry))
    return registry


@contextlib.contextmanager
def forgotten() -> Iterator[None]:
    """Forget all registries and their modules inside the block; an exception brings them back."""
    before, bring_back = list(_loaded), set_aside()
    _loaded.clear()
    try:
        yield
    except BaseException:
        bring_back()
        _loaded[:] = before
        for _, registry in before:
            _declare(registry.plugins)
        raise
    del _loaded[:-1]


def load_afresh(settings: Settings, code: Code | None = None) -> Registry:
    """Load the registry without the cache, from every file or from `code`. Raises SettingsError."""
    code = code or Code()
    loader = Loader(code)
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
    if not code.complete:
        for folder in map(Path, code.folders):
            code.add(folder)
        code.complete = True
    _declare(plugins)
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
        frozenset(loader.rejected),
        code,
    )


def _declare(plugins: Iterable[Plugin]) -> None:
    for plugin in plugins:
        if plugin.settings:
            declare(plugin.name, plugin.settings)


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
    loader = Loader()
    found = [
        plugin_of(source, module, bundled=True)
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
