"""Settings that a running host keeps until it is restarted."""

from __future__ import annotations

from dataclasses import replace

from host.settings import Settings

_SETTINGS = """
livekit_url livekit_api_key livekit_api_secret agent_name max_call_memory pass_environment
state_dir call_log call_database recordings_dir
health_host health_port api_host api_port api_token api_second_token api_rate
console_host console_port console_token
"""
SETTINGS = frozenset(_SETTINGS.split())
"""The connection to LiveKit, what listens on a port, where files are, what processes inherit."""
PLUGINS = frozenset({"metrics"})
"""Plugins whose settings stay: calls inherit the address of the socket that counts them."""


def keep_fixed(before: Settings, read: Settings) -> tuple[Settings, list[str]]:
    """Return new settings with the old values of those that stay, and the names of the changed."""
    changed = {
        name: getattr(before, name)
        for name in sorted(SETTINGS)
        if getattr(before, name) != getattr(read, name)
    }
    names = list(changed)
    for plugin in sorted(PLUGINS):
        if before.plugins.get(plugin) != read.plugins.get(plugin):
            names.append(f"[plugins.{plugin}]")
            kept = {name: table for name, table in read.plugins.items() if name != plugin}
            if plugin in before.plugins:
                kept[plugin] = before.plugins[plugin]
            changed["plugins"] = kept
    settings = read.model_copy(update=changed)
    passed = before.plugin_values.passed
    if passed != read.plugin_values.passed:
        names.append("pass_environment() of plugins")
        settings = settings.with_plugins(replace(read.plugin_values, passed=passed))
    return settings, names
