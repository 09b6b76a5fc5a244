"""Reads settings, personas and plugins again; if they are good, the host serves them."""

from __future__ import annotations

import ast
import contextlib
import gc
import logging
import os
import signal
from collections.abc import Iterable, Iterator
from types import FrameType

from host import registry
from host.base.errors import HostError, PersonaError, SettingsError
from host.compliance import faults_of
from host.privacy import without_secrets
from host.privacy.logs import keep_private
from host.registry import Registry, Use
from host.registry.found import shown
from host.server.admission import check
from host.server.reload.fixed import keep_fixed
from host.server.reload.lines import with_lines
from host.server.reload.result import Reloaded
from host.settings import Settings

log = logging.getLogger("host")

LOAD_LIMIT = 20.0
"""Seconds that one persona or plugin may take to load: the host does nothing else meanwhile."""

_LIVEKITS = ("LIVEKIT_URL", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET")
"""Variables that LiveKit's worker sets when it starts."""


class Reloader:
    """What the host serves, until a reload replaces it."""

    def __init__(self, settings: Settings, loaded: Registry, *, strict: bool = False) -> None:
        """`strict`: any fault refuses a reload, and not only one of what was good before."""
        self.settings, self.loaded = settings, loaded
        self._strict = strict
        self._environment = {name: os.environ.get(name) for name in _LIVEKITS}
        self._users: list[Use] = [lambda settings, loaded: keep_private(settings)]

    def follow(self, use: Use) -> None:
        """Have `use` called by every reload."""
        self._users.append(use)

    def reload(self) -> Reloaded:
        """Reload, and log what comes of it. Live calls keep what they have.

        Either everything is replaced or nothing: see `Reloaded.refused`. It blocks the event loop,
        because LiveKit's plugins can be imported in the main thread only.
        """
        try:
            settings, loaded, result = self._read()
        except SettingsError as error:
            faults = with_lines(str(error), self.settings.config)
            result = Reloaded(refused=True, faults=_told(faults))
        except HostError as error:
            result = Reloaded(refused=True, faults=_told(str(error).split("\n")))
        except Exception as error:
            log.exception("a reload failed")
            result = Reloaded(refused=True, faults=_told([repr(error)]))
        else:
            self.settings, self.loaded = settings, loaded
            for use in self._users:
                try:
                    use(settings, loaded)
                except Exception:  # the others must not be left behind
                    log.exception("a part of the host has not got what was reloaded")
            del settings, loaded
            gc.collect()  # a registry has cycles, and Python itself may wait for several reloads
        for line in result.lines:
            usual = logging.WARNING if line in result.faults else logging.INFO
            log.log(logging.ERROR if result.refused else usual, "%s", line)
        return result

    def _read(self) -> tuple[Settings, Registry, Reloaded]:
        """Read and check everything. Raises HostError with a line for each fault.

        What is loaded in this process stays as it is then.
        """
        with registry.forgotten(), _in_time(), self._environment_of_the_start():
            # .env was read at the start, and has no effect on what is set already.
            read = registry.read_settings(dotenv=False)
            settings, after_restart = keep_fixed(self.settings, read)
            loaded = registry.load(settings)
            loaded.code.edition = self.loaded.code.edition + 1
            faults = _new(map(str, loaded.broken), map(str, self.loaded.broken))
            unread = [*_unreadable(loaded, self.loaded.code.differences(loaded.code))]
            if unread:
                raise PersonaError("\n".join(unread))
            if self._lost(loaded) or (self._strict and loaded.broken):
                raise PersonaError("\n".join(faults or map(str, loaded.broken)))
            loaded.require()
            if wrong := check(settings):
                raise PersonaError("\n".join(wrong))
            faults += _new(
                faults_of(settings, loaded.personas),
                faults_of(self.settings, self.loaded.personas),
            )
        changed = [shown(file) for file in self.loaded.code.differences(loaded.code)]
        if settings != self.settings:
            changed.append(shown(settings.config))
        result = Reloaded(changed=changed, faults=_told(faults), after_restart=after_restart)
        return settings, loaded, result

    @contextlib.contextmanager
    def _environment_of_the_start(self) -> Iterator[None]:
        """Take LiveKit's variables back inside the block: host.toml may have others now."""
        now = {name: os.environ.pop(name, None) for name in _LIVEKITS}
        os.environ.update({name: value for name, value in self._environment.items() if value})
        try:
            yield
        finally:
            os.environ.update({name: value for name, value in now.items() if value})

    def _lost(self, loaded: Registry) -> bool:
        """Return whether a persona or plugin that was good now has a fault."""
        good = {f"persona {name}" for name in self.loaded.personas}
        good |= {f"plugin {plugin.name}" for plugin in self.loaded.plugins if not plugin.bundled}
        return bool(good & loaded.rejected)


def _unreadable(loaded: Registry, files: Iterable[str]) -> Iterator[str]:
    """Report files that nobody has imported yet, and that calls could not import."""
    for file in files:
        try:
            ast.parse(loaded.code.files.get(file, b""))
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None) or 1
            if all(fault.file != shown(file) for fault in loaded.broken):
                what = error.msg if isinstance(error, SyntaxError) else str(error)
                yield f"{shown(file)}:{line}: {type(error).__name__}: {what}"


def _new(faults: Iterable[str], known: Iterable[str]) -> list[str]:
    """Return the faults that were not known before, in their order."""
    before = set(known)
    return [fault for fault in faults if fault not in before]


def _told(faults: Iterable[str]) -> list[str]:
    """Return faults as they may be logged and sent to a command."""
    return [without_secrets(fault) for fault in faults]


@contextlib.contextmanager
def _in_time() -> Iterator[None]:
    """Raise TimeoutError in whatever takes longer than LOAD_LIMIT inside the block, each time."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"it takes longer than {LOAD_LIMIT:.0f} s to load")

    handler = signal.signal(signal.SIGALRM, stop)
    timer = signal.setitimer(signal.ITIMER_REAL, LOAD_LIMIT, LOAD_LIMIT)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, handler)
