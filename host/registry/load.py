"""From settings to a registry: find all, load all, check all, set the broken ones aside."""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import MappingProxyType, ModuleType

from host.privacy.environment import as_in_a_call
from host.registry.check import check_module, check_name
from host.registry.find import Kind, Source, in_folder, installed
from host.registry.found import Broken, Persona, Plugin, shown, told
from host.registry.frozen import Registry
from host.registry.routes import make_routes
from host.registry.view import Views, build_plugin_manager
from host.settings import Settings

_loaded: list[tuple[object, Registry]] = []
"""Settings, and their registry. Not a dict: the settings of personas have no hash."""


def load(settings: Settings) -> Registry:
    """Return the registry of these settings, loaded once in a process.

    Raises SettingsError where two personas claim one number or prefix.
    """
    wanted = (
        Path.cwd(),
        settings.config,
        settings.personas_dir,
        settings.plugins_dir,
        settings.default_persona,
        dict(settings.personas),
    )
    for known, registry in _loaded:
        if known == wanted:
            return registry
    registry = load_afresh(settings)
    _loaded.append((wanted, registry))
    return registry


def load_afresh(settings: Settings) -> Registry:
    """Load the registry again, reading every file anew. Raises SettingsError as `load` does."""
    loader = _Loader()
    with as_in_a_call(settings):
        plugins = loader.fill("plugin", settings.plugins_dir)
        personas = loader.fill("persona", settings.personas_dir)
    absent = loader.names - {source.name for source, _ in personas}
    tables = settings.personas
    good = {
        source.name: Persona(
            source.name,
            shown(module.__file__ or source.file),
            (module.__doc__ or "").strip().partition("\n")[0],
            tables[source.name].numbers if source.name in tables else (),
            module,
        )
        for source, module in personas
    }
    everywhere = tuple(
        Plugin(source.name, shown(module.__file__ or source.file), module)
        for source, module in plugins
    )
    return Registry(
        MappingProxyType(good),
        everywhere,
        (*loader.broken, *_check_settings(settings, good, absent)),
        make_routes(
            good,
            absent=absent,
            prefixes={name: table.prefixes for name, table in tables.items()},
            numbers={name: table.numbers for name, table in tables.items()},
            default=settings.default_persona,
        ),
        Views(everywhere, tuple(good.values())),
        shown(settings.personas_dir),
    )


class _Loader:
    """Takes modules in, one at a time, and keeps the faults of those that it sets aside."""

    def __init__(self) -> None:
        self.broken: list[Broken] = []
        self.names: set[str] = set()
        """Names of all the personas that there are, good or broken."""
        self._owners: dict[ModuleType, Source] = {}
        self._trial = build_plugin_manager((), ())

    def fill(self, kind: Kind, folder: Path) -> list[tuple[Source, ModuleType]]:
        """Load everything of one kind; return what is good."""
        by_name: defaultdict[str, list[Source]] = defaultdict(list)
        for source in (*in_folder(kind, folder), *installed(kind)):
            if isinstance(source, Broken):
                self.broken.append(source)
            else:
                by_name[source.name].append(source)
        if kind == "persona":
            self.names.update(by_name)
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
        return check_module(source.kind, module, path) or self._try(source.kind, module, path)

    def _try(self, kind: Kind, module: ModuleType, path: str) -> list[Broken]:
        """Let pluggy have its say too, where only this module can come to harm."""
        try:
            self._trial.register(module, f"{kind} {path}")
        except Exception as error:
            return [Broken(path, 1, f"pluggy refuses it: {told(error)}")]
        return []


def _check_namesakes(source: Source, namesakes: Iterable[Source]) -> Iterator[Broken]:
    """Set two of one name aside both: nobody can say which of them a call was meant for."""
    others = [other.path for other in namesakes if other is not source]
    if others:
        yield Broken(
            source.path, 1, f"two {source.kind}s are named {source.name}: also {', '.join(others)}"
        )


def _check_settings(
    settings: Settings, good: Iterable[str], absent: Iterable[str]
) -> Iterator[Broken]:
    """Find the personas that host.toml speaks of and that do not exist."""
    config = shown(settings.config)
    for name in settings.personas:
        if name not in good and name not in absent:
            line = _line(
                settings.config, rf"\s*\[\s*personas\s*\.\s*[\"']?{re.escape(name)}[\"']?\s*[].]"
            )
            yield Broken(config, line, f"[personas.{name}]: there is no {_meant(name, good)}")
    name = settings.default_persona or ""
    if name and name not in good:
        line = _line(settings.config, r"\s*default_persona\s*=")
        place = config if line else "HOST_DEFAULT_PERSONA"
        fault = f"{name} is not loaded" if name in absent else f"there is no {_meant(name, good)}"
        yield Broken(place, line, f"default persona: {fault}")


def _meant(name: str, good: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(good), 1)
    return f"persona {name}" + (f"; did you mean {close[0]}?" if close else "")


def _line(config: Path, pattern: str) -> int | None:
    """Return the line of host.toml that begins like this, None where there is none."""
    try:
        lines = config.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return None
    return next((at for at, line in enumerate(lines, 1) if re.match(pattern, line)), None)
