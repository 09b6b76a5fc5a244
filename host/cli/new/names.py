"""Checks the name of a new persona or plugin, and derives what people read from a name.

A name is a file's name, a word in Python and, for a persona, a room's prefix: it must suit all.
"""

from __future__ import annotations

import keyword
import os
import re
import unicodedata
from collections.abc import Collection
from pathlib import Path

from host.base.errors import HostError
from host.base.paths import is_bundled
from host.registry import bundled_plugins
from host.registry.find import Kind, installed
from host.registry.found import shown

LONGEST = 40
"""Characters of a name."""
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
FORM = "write lower-case letters, digits and _, with a letter first"
OFFICE = "The Office"
"""What a folder without a letter or digit in its name is called."""


def check_name(kind: Kind, name: str) -> None:
    """Raise HostError if a new persona or plugin can't have this name."""
    if not NAME.fullmatch(name):
        raise HostError(f"{name!r} is no name for a {kind}: {FORM}{_meant(name)}")
    if keyword.iskeyword(name):
        raise HostError(f"{name!r} is no name for a {kind}: Python reserves the word")
    if len(name) > LONGEST:
        many = f"{name} has {len(name)}"
        raise HostError(f"a name of a {kind} has at most {LONGEST} characters: {many}")


def check_folder(folder: Path) -> None:
    """Raise HostError if a folder has more than hidden files, or can't be one of a project."""
    try:
        entries = [entry.name for entry in folder.iterdir()]
    except FileNotFoundError:
        return
    except NotADirectoryError:
        raise HostError(f"{shown(folder)} is or lies in a file: name a folder") from None
    except OSError as error:
        raise HostError(f"{shown(folder)} can't be read: {error.strerror}") from error
    if not all(name.startswith(".") for name in entries):
        raise HostError(f"{shown(folder)} is not empty: name a new folder")


def check_absent(kind: Kind, name: str, folder: Path) -> None:
    """Raise HostError if there is a persona or plugin of this name, good or broken."""
    places = [folder / f"{name}.py", folder / name]
    places += [source.file for source in installed(kind) if source.name == name]
    if there := next(filter(os.path.lexists, places), None):
        raise HostError(f"there is a {kind} {name} already: {shown(there)}")


def check_replaced(name: str, folder: Path, disabled: Collection[str], *, replace: bool) -> None:
    """Raise HostError if a plugin of this name would replace one unasked, or not be loaded."""
    if is_bundled(folder):
        where = "the plugins folder is that of the bundled plugins"
        raise HostError(f"{where}: run it in your own folder")
    bundled = name in {plugin.name for plugin in bundled_plugins()}
    if bundled and not replace:
        raise HostError(f"{name} is a bundled plugin: to replace it, add --replace")
    if replace and not bundled:
        raise HostError(f"--replace: there is no bundled plugin {name}")
    if name in disabled:
        raise HostError(f"{name} is in disable_plugins: take it out, or choose another name")


def title(name: str) -> str:
    """Return a name as people read it: `molar-dental` is `Molar Dental`.

    It has letters, digits and spaces only, so that it is safe between quotes of any language.
    """
    words = re.findall(r"[^\W_]+", name)
    return " ".join(word[:1].upper() + word[1:] for word in words)[:LONGEST].strip() or OFFICE


def distribution(name: str) -> str:
    """Return the name of a project's distribution, which no package of an index has."""
    return "-".join([*re.findall(r"[a-z0-9]+", _ascii(name)), "personas"])


def _meant(name: str) -> str:
    """Say which name somebody may have meant: `personas/Front-Desk.py` is `front_desk`."""
    words = re.findall(r"[a-z0-9]+", _ascii(Path(name).name.removesuffix(".py")))
    close = "_".join(words)
    return f"; did you mean {close}?" if NAME.fullmatch(close) else ""


def _ascii(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore")
    return letters.decode().lower()
