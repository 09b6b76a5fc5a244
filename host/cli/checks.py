"""What a user typed, checked before anything is started.

Each fault is one line that says what is wrong and how to mend it.
"""

from __future__ import annotations

import contextlib
import difflib
import errno
import os
import re
import shlex
import socket
import traceback
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import ModuleType

from host import registry
from host.base.e164 import E164
from host.base.errors import HostError, MetadataError, PersonaError, SettingsError
from host.call.dispatch import Dispatch
from host.compliance.verdict import Rule, Verdict
from host.records.filters import read_number
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


def number_to_dial(text: str, persona: str) -> str:
    """Return a number in E.164 from what stands behind the persona. Raises HostError."""
    if not re.search(r"[0-9]", text) or "=" in text:
        before = f" before {text!r}" if text else ""
        raise HostError(
            f"the number to dial is missing{before}: python -m host call {persona} +15550001111 ..."
        )
    read = read_number(text)
    if E164.fullmatch(read):
        return read
    raise HostError(f"{text!r} is not an E.164 number like +15550001111{meant_number(read)}")


def number_as_written(text: str) -> str:
    """Return a number without the spaces and dashes that people write; any other text as it is."""
    read = read_number(text)
    return read if E164.fullmatch(read) else text


def number_of_the_local_world(verdict: Verdict, number: str) -> str:
    """Say where a number can be dialled that is no real one."""
    if verdict.rule == Rule.INVALID and number_as_written(number).startswith("+1555"):
        return "; +1555... is dialled with `--local` alone"
    return ""


def meant_number(text: str) -> str:
    """Say which number somebody may have meant who wrote it without its plus."""
    with_plus = f"+{read_number(text).removeprefix('00')}"
    return f"; did you mean {with_plus}?" if E164.fullmatch(with_plus) else ""


def details(words: Sequence[str]) -> dict[str, str]:
    """Read `key=value` words. Raises HostError that says how the words were meant."""
    from host.dispatch.place import details_of

    keys: set[str] = set()
    for at, word in enumerate(words):
        key, equals, _ = word.partition("=")
        if not equals or not key:
            raise HostError(f"{word!r} is not of the form key=value{_meant_detail(words, at)}")
        if key in keys:
            raise HostError(f"{key} is given twice: leave one of them out")
        keys.add(key)
    return details_of(list(words))


def _meant_detail(words: Sequence[str], at: int) -> str:
    """Say how a word was meant that is no `key=value`: `key: value` and `key = value` are two."""
    word, following = words[at], list(words[at + 1 : at + 3])
    if E164.fullmatch(read_number(word)):
        return ": a number to dial stands right behind the persona of `call`, and nowhere else"
    key, colon, value = word.partition(":")
    if not colon and following[:1] == ["="]:
        following.pop(0)
    elif not colon:
        return ""
    value = value.strip() or next(iter(following), "")
    return f"; did you mean {key}={shlex.quote(value)}?" if key and value else ""


def told_to_a_person(error: MetadataError) -> HostError:
    """Say what does not fit in the words of the command line, which knows no metadata."""
    text = str(error).replace("idempotency_key in the metadata", "--key")
    lacking = re.findall(r"(?:: |; )(\w+) is missing", text)
    hint = f" (add {' '.join(f'{name}=...' for name in lacking)})" if lacking else ""
    return HostError(f"{text}{hint}")


def require_servable(settings: Settings, *, dev: bool, strict: bool) -> None:
    """Check what `serve` would find wrong after the local world is up. Raises HostError."""
    from host.server.api.token import require_token

    loaded = registry.load(settings).require()
    if strict and loaded.broken:
        first, *others = loaded.broken
        more = f" (and {len(others)} more: python -m host personas)" if others else ""
        raise PersonaError(f"--strict: {first}{more}")
    require_token(settings)
    _require_files(settings)
    _require_ports(settings, dev=dev)


def _require_files(settings: Settings) -> None:
    """Raise SettingsError where a host could not write what it has to write."""
    folders = {"HOST_STATE_DIR": settings.state_dir, "HOST_RECORDINGS_DIR": settings.recordings_dir}
    for name, folder in folders.items():
        if folder.exists() and not folder.is_dir():
            raise SettingsError(f"{name}: {folder} is a file: name a folder")
        _require_writable(name, folder)
    if settings.call_log.is_dir():
        raise SettingsError(f"HOST_CALL_LOG: {settings.call_log} is a folder: name a file")
    _require_writable("HOST_CALL_LOG", settings.call_log)


def _require_writable(name: str, path: Path) -> None:
    """Look at a file or folder, or at what it will be made in."""
    there = next(each for each in (path, *path.absolute().parents) if each.exists())
    if there != path and not there.is_dir():
        raise SettingsError(f"{name}: {path} can't be made: {shown(there)} is a file")
    if not os.access(there, os.W_OK):
        raise SettingsError(f"{name}: no permission to write {shown(there)}: name another place")


def _require_ports(settings: Settings, *, dev: bool) -> None:
    ports = {
        "HOST_HEALTH_PORT": (settings.health_host, None if dev else settings.health_port),
        "HOST_API_PORT": (settings.api_host, settings.api_port),
    }
    with contextlib.ExitStack() as taken:  # all at a time: two of ours may have the same one
        for name, (host, port) in ports.items():
            if port:
                family = socket.AF_INET6 if ":" in host else socket.AF_INET
                probe = taken.enter_context(socket.socket(family, socket.SOCK_STREAM))
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((host, port))
                except OSError as error:
                    busy = error.errno == errno.EADDRINUSE
                    why = "another program has it" if busy else error.strerror or str(error)
                    raise SettingsError(
                        f"{name}: port {port} of {host} is not free: {why}; set another"
                    ) from None


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
