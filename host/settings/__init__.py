"""Settings of one deployment: the environment, `.env` and `host.toml`, in that order of weight.

What differs from persona to persona in a deployment (numbers, trunk, caller ID, limits, transfer
targets, words) is a table of `host.toml`, so that a persona's code holds none of it.
"""

from host.settings.calling import is_sip
from host.settings.load import (
    env_name,
    load_settings,
    misspelt_settings,
    variables_of_settings,
    with_any_keys,
)
from host.settings.mcp import McpServer
from host.settings.persona import PersonaSettings, Shared
from host.settings.plugins import PluginValues, WithPlugins
from host.settings.settings import Settings
from host.settings.sip import PASSWORDS, SipTrunks
from host.settings.transfer import TransferTarget
from host.settings.words import Words

__all__ = [
    "PASSWORDS",
    "McpServer",
    "PluginValues",
    "PersonaSettings",
    "Settings",
    "Shared",
    "SipTrunks",
    "TransferTarget",
    "WithPlugins",
    "Words",
    "env_name",
    "is_sip",
    "load_settings",
    "misspelt_settings",
    "variables_of_settings",
    "with_any_keys",
]
