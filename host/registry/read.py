"""From the environment and host.toml to all settings: the core's, and those of every plugin."""

from __future__ import annotations

from host.registry.configure import with_plugin_settings
from host.registry.load import load
from host.settings import Settings, load_settings


def read_settings(*, dotenv: bool = True) -> Settings:
    """Read all settings; loads the registry, for plugins declare their own.

    Raises SettingsError, one line that names every wrong setting.
    """
    settings = load_settings(dotenv=dotenv)
    return with_plugin_settings(settings, load(settings))
