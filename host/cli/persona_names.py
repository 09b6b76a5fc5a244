"""Checks the name of a persona that a user typed, and says where a persona failed."""

from __future__ import annotations

import contextlib
import difflib
import re
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from host import registry
from host.base.errors import PersonaError
from host.call.dispatch import Dispatch
from host.registry import Registry
from host.registry.find import installed
from host.registry.found import describe, shown
from host.registry.routes import Choice
from host.settings import Settings

MOST_NAMES = 8
"""Personas that are named to somebody who named none of them."""


def require_persona(settings: Settings, name: str) -> Registry:
    """Return the registry if it has a persona of that name.

    Raises PersonaError: with its fault where it is broken, with the name that is spelt alike where
    there is none.
    """
    loaded = registry.load(settings)
    if name not in loaded.personas:
        raise PersonaError(fault_of(settings, loaded, name) or _no_persona(settings, loaded, name))
    return loaded


def fault_of(settings: Settings, loaded: Registry, name: str) -> str | None:
    """Say what is wrong with a persona that is there and broken; None for any other."""
    places = _places(settings).get(name, [])
    faults = [
        fault
        for fault in loaded.broken
        if any(Path(fault.file).absolute().is_relative_to(place) for place in places)
    ]
    if not faults:
        return None
    first, *others = dict.fromkeys(map(str, faults))
    more = f" (and {len(others)} more: python -m host personas)" if others else ""
    return f"persona {name} is broken: {first}{more}"


def _no_persona(settings: Settings, loaded: Registry, name: str) -> str:
    loaded.require()
    if re.fullmatch(r"\+?[0-9][0-9 ().-]*", name):
        return f"{name!r} stands where the name of a persona belongs: the number comes after it"
    names = {*loaded.personas, *_places(settings)}
    return f"there is no persona {name!r}{meant(name, names)}"


def meant(name: str, names: Iterable[str]) -> str:
    """Say which persona somebody may have meant, or which there are."""
    known = sorted(names)
    by_sound = {each.casefold(): each for each in known}
    said = Path(name).name.removesuffix(".py").casefold()
    if close := difflib.get_close_matches(said, by_sound, 1):
        return f"; did you mean {by_sound[close[0]]}?"
    if len(known) > MOST_NAMES:
        return ": see `python -m host personas`"
    return f" (there are: {', '.join(known)})"


def why_not(settings: Settings, loaded: Registry, choice: Choice, dispatch: Dispatch) -> str:
    """Say more of why no persona takes a call: its fault, or what was meant."""
    asked = dispatch.persona
    names = [asked] if isinstance(asked, str) else list(_places(settings))
    for name in names:
        if choice.reason.endswith(f" and {name} is not loaded") or name == asked:
            fault = fault_of(settings, loaded, name)
            return f": {fault}" if fault else meant(name, loaded.personas)
    return ""


def _places(settings: Settings) -> dict[str, list[Path]]:
    """Find the personas that there are, good or broken: the file or the folder of each.

    Nothing is loaded, and the registry's own search is left alone: it forgets what was loaded.
    """
    places: dict[str, list[Path]] = {source.name: [] for source in installed("persona")}
    for source in installed("persona"):
        package = source.file.name == "__init__.py"
        places[source.name].append(source.file.parent if package else source.file)
    with contextlib.suppress(OSError):
        for entry in settings.personas_dir.absolute().iterdir():
            if entry.name.startswith(("_", ".")):
                continue
            if entry.suffix == ".py" or (entry / "__init__.py").is_file():
                places.setdefault(entry.name.removesuffix(".py"), []).append(entry)
    return places


def where(error: Exception, loaded: Registry) -> str:
    """Say what an exception was, and where in a persona or plugin it came from, in one line.

    One that came from neither, as where a model can't be reached, has no place that its reader
    could mend.
    """
    modules = (found.module for found in loaded.personas.values())
    files = {*map(_file, modules), *(_file(plugin.module) for plugin in loaded.plugins)}
    frames = traceback.extract_tb(error.__traceback__)
    place = next((frame for frame in reversed(frames) if frame.filename in files), None)
    if place is None:
        return describe(error)
    return f"{shown(place.filename)}:{place.lineno}: {describe(error)}"


def _file(module: ModuleType) -> str:
    return str(module.__file__)
