"""The source of personas and plugins, as it was read: what a later process loads, too.

A host that reloads validates new code in its parent process. A call's process starts later, when
the files may have changed again, and be broken. So it gets the source that was validated.

Python's bytecode cache is not used: it misses a change within the same second that leaves a file's
size as it was.
"""

from __future__ import annotations

import contextlib
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, ModuleType


@dataclass
class Code:
    """What the folders of personas and plugins had. Equal ones give equal registries."""

    edition: int = 0
    """0 is what the host started with; each reload adds one."""
    folders: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """Folder to name and file of each of its modules."""
    files: dict[str, bytes] = field(default_factory=dict, repr=False)
    """File to its content, also of modules that are imported only in a call."""
    complete: bool = False
    """Whether the registry is loaded. Files that are not here by then are read from disk."""

    def read(self, file: str) -> bytes:
        """Return a file's content, read once. Raises OSError."""
        content = self.files.get(file)
        if content is None:
            content = Path(file).read_bytes()
            if not self.complete:
                self.files[file] = content
        return content

    def add(self, folder: Path) -> None:
        """Read the modules of a folder that are not read yet."""
        for file in files_below(folder, {".py"}):
            with contextlib.suppress(OSError):  # nobody has imported it
                self.read(str(file))

    def below(self, folder: Path) -> dict[str, bytes]:
        """Return the files below a folder."""
        return {
            file: content
            for file, content in self.files.items()
            if Path(file).is_relative_to(folder.absolute())
        }

    def differences(self, other: Code) -> list[str]:
        """Return the files that only one of the two has, or whose content differs."""
        every = {**self.files, **other.files}
        return sorted(file for file in every if self.files.get(file) != other.files.get(file))


def files_below(folder: Path, suffixes: Container[str]) -> Iterator[Path]:
    """Find files of a folder and of the packages in it, without hidden ones."""
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.suffix in suffixes:
            yield entry
        elif (entry / "__init__.py").is_file():
            yield from files_below(entry, suffixes)


class _SourceLoader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, code: Code) -> None:
        super().__init__(name, path)
        self._code = code

    def get_code(self, fullname: str) -> CodeType:
        code: CodeType = self.source_to_code(self._code.read(self.path), self.path)
        return code


class _Finder:
    """Finds the modules that a persona or plugin imports relatively."""

    @staticmethod
    def find_spec(
        fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        package, _, rest = fullname.partition(".")
        code = _packages.get(package)
        if code is None:
            return None
        name = rest.rpartition(".")[2]
        for folder in path or ():
            for file in (f"{folder}/{name}/__init__.py", f"{folder}/{name}.py"):
                if file in code.files or os.path.isfile(file):
                    return spec_of(fullname, file)
        return None  # a namespace package, or a module that is no source


sys.meta_path.insert(0, _Finder)

_packages: dict[str, Code] = {}
"""Package that stands for a folder, to what its modules are loaded from."""


def open_package(name: str, folder: Path, code: Code | None) -> None:
    """Register a folder as a package, whose modules are loaded from `code`, or as Python does.

    Modules that were loaded under this name before are dropped from `sys.modules`.
    """
    forget(name)
    package = ModuleType(name)
    package.__path__ = [str(folder)]
    sys.modules[name] = package
    if code is not None:
        _packages[name] = code
    importlib.invalidate_caches()


def spec_of(name: str, file: str) -> importlib.machinery.ModuleSpec:
    """Return the spec of a module of a package, or of one that is elsewhere."""
    inside = [str(Path(file).parent)] if Path(file).name == "__init__.py" else None
    code = _packages.get(name.partition(".")[0])
    loader = None if code is None else _SourceLoader(name, file, code)
    spec = importlib.util.spec_from_file_location(
        name, file, loader=loader, submodule_search_locations=inside
    )
    assert spec is not None, file
    return spec


def forget(unique: str) -> None:
    """Remove a module, or a package with its submodules, from `sys.modules`."""
    if unique not in sys.modules:
        return
    for name in [name for name in sys.modules if name == unique or name.startswith(f"{unique}.")]:
        del sys.modules[name]


def set_aside() -> Callable[[], None]:
    """Forget all modules of such packages; return what brings them back."""
    packages = dict(_packages)
    modules = {
        name: module
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] in packages
    }

    def bring_back() -> None:
        for package in list(_packages):
            forget(package)
        _packages.clear()
        _packages.update(packages)
        sys.modules.update(modules)

    for package in packages:
        forget(package)
    _packages.clear()
    return bring_back
