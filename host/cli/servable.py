"""Checks what a server needs before it starts one: files, ports, models."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

from host import registry
from host.base.errors import PersonaError, SettingsError, port_not_free
from host.registry.found import shown
from host.settings import Settings


def require_servable(settings: Settings, *, dev: bool, strict: bool) -> None:
    """Check what `serve` would find wrong after the local world is up. Raises HostError."""
    from host.server.api.token import require_tokens

    loaded = registry.load(settings).require()
    if strict and loaded.broken:
        first, *others = loaded.broken
        more = f" (and {len(others)} more: python -m host personas)" if others else ""
        raise PersonaError(f"--strict: {first}{more}")
    require_tokens(settings)
    require_files(settings)
    _require_ports(settings, dev=dev)


def require_files(settings: Settings) -> None:
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


def ports_of(settings: Settings, *, dev: bool) -> dict[str, tuple[str, int | None]]:
    """Return each address that the host itself listens on, by the variable that sets its port."""
    return {
        "HOST_HEALTH_PORT": (settings.health_host, None if dev else settings.health_port),
        "HOST_API_PORT": (settings.api_host, settings.api_port),
        "HOST_CONSOLE_PORT": (settings.console_host, settings.console_port),
    }


def _require_ports(settings: Settings, *, dev: bool) -> None:
    with contextlib.ExitStack() as taken:  # all at a time: two of ours may have the same one
        for name, (host, port) in ports_of(settings, dev=dev).items():
            if port:
                family = socket.AF_INET6 if ":" in host else socket.AF_INET
                probe = taken.enter_context(socket.socket(family, socket.SOCK_STREAM))
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((host, port))
                except OSError as error:
                    raise port_not_free(name, host, port, error) from None
