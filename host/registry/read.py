"""Reads all settings: the host's and every plugin's, from the environment and host.toml."""

from __future__ import annotations

from host.registry.configure import with_plugin_settings
from host.registry.load import load
from host.settings import Settings, load_settings


def read_settings(*, dotenv: bool = True) -> Settings:
    """Read all settings. Loads the registry, because plugins declare settings of their own.

    Raises SettingsError with one line that names every fault.
    """
    settings = load_settings(dotenv=dotenv)
    return with_plugin_settings(settings, load(settings))
