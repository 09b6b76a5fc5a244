"""Discovers personas and plugins, and loads each module in isolation.

Modules of a folder are loaded from their files under names that are not valid identifiers: they
can't shadow an installed package, may contain hyphens, and support relative imports only. Installed
packages declare theirs with the entry points `host.personas` and `host.plugins`.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import importlib.util
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Literal

from host.privacy.environment import is_hidden
from host.privacy.mask import mask, without_secrets
from host.privacy.streams import printed_to_stderr
from host.registry.code import Code, forget, open_package, spec_of
from host.registry.found import Broken, describe, one_line, shown

Kind = Literal["persona", "plugin"]


@dataclass(frozen=True)
class Source:
    """A candidate persona or plugin, before it is loaded."""

    kind: Kind
    name: str
    file: Path
    open: Callable[[], ModuleType]
    folder: Path | None = None
    """The folder that it was found in, whose modules it may import."""

    @property
    def path(self) -> str:
        """Its file, relative to the working directory if below it."""
        return shown(self.file)

    def holds(self, file: str) -> bool:
        """Return whether a file is this module or belongs to its package."""
        if self.file.name == "__init__.py":
            return Path(file).is_relative_to(self.file.parent)
        return Path(file) == self.file

    def load(self) -> ModuleType | Broken:
        """Load the module; exceptions and SystemExit become a Broken."""
        try:
            # Output of a module must not end up in the JSON that a command prints.
            with printed_to_stderr(mask):
                module = self.open()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            file, line = self._place(error)
            return Broken(shown(file), line, _fault(error))
        if not isinstance(module, ModuleType):
            return Broken(self.path, 1, f"the entry point {self.name} is no module")
        return module

    def _place(self, error: BaseException) -> tuple[str | Path, int]:
        """Return file and line of the innermost frame of the module or another of its folder."""
        if isinstance(error, SyntaxError) and error.filename and self._knows(error.filename):
            return error.filename, error.lineno or 1
        file: str | Path = self.file
        line = 1
        for frame, number in traceback.walk_tb(error.__traceback__):
            if self._knows(frame.f_code.co_filename):
                file, line = frame.f_code.co_filename, number
        return file, line

    def _knows(self, file: str) -> bool:
        return self.holds(file) or Path(file).parent == self.folder


def _fault(error: BaseException) -> str:
    if isinstance(error, SystemExit):
        return f"exits while it is loaded: {without_secrets(describe(error))}"
    if isinstance(error, KeyError) and _is_of_the_environment(error):
        name = one_line(str(error.args[0]))
        if is_hidden(name):
            return f"calls have no variable {name}: name it in pass_environment"
        return f"the variable {name} is not set: set it, and name it in pass_environment"
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"lacks module {error.name}; is it installed?"
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {one_line(error.msg)}"
    return without_secrets(describe(error))


def _is_of_the_environment(error: KeyError) -> bool:
    """Return whether the KeyError was raised by `os.environ`."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return bool(frames) and frames[-1].f_globals.get("__name__") == "os"


def in_folder(
    kind: Kind, folder: Path, *, needed: bool = True, code: Code | None = None
) -> Iterator[Source | Broken]:
    """Find the folder's modules and packages, by name. A missing folder is Broken if `needed`.

    With `code`, its modules are those that it has, or are noted in it. The folder becomes a package
    with a unique name: its modules may import each other, as in `from ._prices import PRICES`.
    """
    folder = folder.absolute()
    package = f"{kind}s-{sha256(str(folder).encode()).hexdigest()[:8]}"
    known = code.folders.get(str(folder)) if code else None
    if known is None:
        known = []
        for found in _modules_in(kind, folder, needed=needed):
            if isinstance(found, Broken):
                yield found
            else:
                known.append(found)
        if code:
            code.folders[str(folder)] = known
    open_package(package, folder, code)
    for name, file in known:
        yield _from_file(kind, name, Path(file), folder, package)


def _modules_in(kind: Kind, folder: Path, *, needed: bool) -> Iterator[tuple[str, str] | Broken]:
    """Find name and file of the folder's modules."""
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        if needed or not isinstance(error, FileNotFoundError):
            yield Broken(shown(folder), None, f"the folder of {kind}s: {error.strerror}")
        return
    for entry in entries:
        if entry.name.startswith(("_", ".")):
            continue
        try:
            if entry.is_dir() and (entry / "__init__.py").is_file():
                yield entry.name, str(entry / "__init__.py")
            elif entry.suffix == ".py" and not entry.is_dir():
                yield entry.stem, str(entry)
        except OSError as error:
            yield Broken(shown(entry), None, f"it can't be read: {error.strerror}")


def _from_file(kind: Kind, name: str, file: Path, folder: Path, package: str) -> Source:
    return Source(kind, name, file, lambda: _load_file(f"{package}.{name}", file), folder)


def _load_file(unique: str, file: Path) -> ModuleType:
    """Load a module, or a package by its `__init__.py`; reuse one that was already imported."""
    if (known := sys.modules.get(unique)) and known.__file__ == str(file):
        return known
    spec = spec_of(unique, str(file))
    assert spec.loader is not None, file
    module = importlib.util.module_from_spec(spec)
    forget(unique)
    # Relative imports, dataclasses and pydantic look the module up here.
    sys.modules[unique] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        forget(unique)
        raise
    return module


def installed(kind: Kind) -> Iterator[Source]:
    """Find the entry points of installed packages, by name."""
    points = _entry_points(f"host.{kind}s", _installation())
    for point in sorted(points, key=lambda point: (point.name, point.value)):
        yield Source(kind, point.name, _installed_file(point), point.load)


_Folder = tuple[str, int]
"""A folder of packages, and when one was installed there or taken away."""


@functools.lru_cache(maxsize=2)
def _entry_points(group: str, installation: tuple[_Folder, ...]) -> importlib.metadata.EntryPoints:
    """Read those of all packages, once for each installation: it takes 5 ms or more."""
    return importlib.metadata.entry_points(group=group)


def _installation() -> tuple[_Folder, ...]:
    """Return what changes when a package is installed or removed."""
    folders = []
    for folder in sys.path:
        with contextlib.suppress(OSError, ValueError):
            path = os.path.abspath(folder)  # "" is the working directory, whichever that is now
            folders.append((path, os.stat(path).st_mtime_ns))
    return tuple(folders)


def _installed_file(point: importlib.metadata.EntryPoint) -> Path:
    """Return the file of an entry point without importing it."""
    # A malformed entry point has no module; its top-level package may not be installed.
    with contextlib.suppress(AttributeError, ImportError, ValueError):
        top, *rest = point.module.split(".")
        if spec := importlib.util.find_spec(top):
            inside = [Path(root, *rest) for root in spec.submodule_search_locations or ()]
            candidates = [
                file
                for path in inside
                for file in (path / "__init__.py", path.with_name(f"{path.name}.py"))
            ]
            origin = Path(spec.origin or point.value)
            return next((file for file in candidates if file.is_file()), origin)
    return Path(point.value)
