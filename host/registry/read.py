"""Reads all settings: the host's and every plugin's, from the environment and host.toml."""

from __future__ import annotations

import pickle

from host.privacy.logs import keep_private
from host.registry.code import Code
from host.registry.configure import with_plugin_settings
from host.registry.load import load
from host.settings import Settings, load_settings


def read_settings(*, dotenv: bool = True) -> Settings:
    """Read all settings. Loads the registry, because plugins declare settings of their own.

    Raises SettingsError with one line that names every fault.
    """
    settings = load_settings(dotenv=dotenv)
    return with_plugin_settings(settings, load(settings))


def hand_over(settings: Settings, code: Code | None = None) -> bytes:
    """Return the settings and the code of their registry, for `take_over` in another process.

    The files may have changed since this process read them, and be broken. `code`: None: that of
    the registry that `load` returns.
    """
    return pickle.dumps((settings, code or load(settings).code))


def take_over(given: bytes) -> tuple[Settings, Code]:
    """Return what `hand_over` of the parent process gave, and load the registry from it.

    What is printed meanwhile is masked as these settings say.
    """
    settings: Settings
    code: Code
    settings, code = pickle.loads(given)
    keep_private(settings)
    load(settings, code)
    return settings, code
