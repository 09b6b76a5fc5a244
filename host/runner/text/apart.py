"""Settings under which a conversation leaves nothing behind in a deployment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from host.registry import Registry
from host.registry.configure import with_plugin_settings
from host.settings import Settings

_QUIET: Mapping[str, Mapping[str, Any]] = {
    "metrics": {"port": None},
    "traces": {"endpoint": None},
    "webhook": {"url": None},
}
"""What keeps the bundled plugins from telling others of a call."""


def apart(
    settings: Settings,
    loaded: Registry,
    folder: Path,
    given: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    mcp: Mapping[str, Any] = MappingProxyType({}),
) -> Settings:
    """Return the settings with everything that a call writes in `folder`, which exists.

    The do-not-call list is empty: an opt-out there must keep nobody from being called. The bundled
    plugins tell nobody of the call. `given` are more settings of plugins, which win: plugin to
    field to value. `mcp` are MCP servers in place of others, by these others' addresses. Raises
    SettingsError.
    """
    own: dict[str, Any] = {
        "do_not_call": folder / "do-not-call.txt",
        "state_dir": folder / "state",
        "call_log": folder / "calls.jsonl",
        "call_database": None,
        "recordings_dir": folder / "recordings",
    }
    own["do_not_call"].touch()
    os.utime(own["do_not_call"], (0, 0))  # a list that was just written would be waited for
    bundled = {plugin.name for plugin in loaded.plugins if plugin.bundled}
    quiet = {name: fields for name, fields in _QUIET.items() if name in bundled}
    both = {name: {**quiet.get(name, {}), **given.get(name, {})} for name in {*quiet, *given}}
    return with_plugin_settings(settings.model_copy(update=own), loaded, both, mcp)
