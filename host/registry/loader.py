"""Loads personas and plugins one by one, and drops those with faults."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from types import ModuleType

from host.base.paths import is_bundled
from host.registry.check import check_declared, check_module, check_name, declared_by
from host.registry.code import Code
from host.registry.find import Kind, Source, in_folder, installed
from host.registry.found import Broken, Plugin, describe, shown
from host.registry.view import build_plugin_manager
from host.settings import Settings


def plugin_of(
    source: Source, module: ModuleType, *, bundled: bool = False, replaces: bool = False
) -> Plugin:
    file = str(source.file) if bundled else shown(module.__file__ or source.file)
    return Plugin(source.name, file, module, bundled, replaces, declared_by(module))


class Loader:
    """Loads modules one by one and collects the faults of those it rejects.

    Without `code`, it loads them as Python does: for folders that do not change.
    """

    def __init__(self, code: Code | None = None) -> None:
        self._code = code
        self.broken: list[Broken] = []
        self.rejected: set[str] = set()
        """Candidates with faults, as `persona NAME` or `plugin NAME`."""
        self.names: dict[Kind, set[str]] = {"persona": set(), "plugin": set()}
        """Names of all candidates, valid or broken."""
        self._owners: dict[ModuleType, Source] = {}
        self._trial = build_plugin_manager((), ())

    def plugins(self, settings: Settings, bundled: Collection[str]) -> list[Plugin]:
        """Load the user's plugins; return the valid ones."""
        folder = settings.plugins_dir
        found = self.fill(
            "plugin",
            None if is_bundled(folder) else folder,
            needed="plugins_dir" in settings.model_fields_set,
            disabled=settings.disable_plugins,
        )
        return [
            plugin_of(source, module, replaces=source.name in bundled) for source, module in found
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
        in_it = in_folder(kind, folder, needed=needed, code=self._code) if folder else ()
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
            if faults:
                self.rejected.add(f"{kind} {source.name}")
            elif isinstance(module, ModuleType):
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
