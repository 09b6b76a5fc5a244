"""Finds, validates and freezes personas and plugins; builds the hook view of each persona."""

from host.registry.code import Code
from host.registry.found import Broken, Persona, Plugin
from host.registry.frozen import Follow, Registry, Use
from host.registry.hooks import HOOKS, Hook
from host.registry.load import bundled_plugins, forgotten, load, load_afresh
from host.registry.read import hand_over, read_settings, take_over
from host.registry.view import View

__all__ = [
    "HOOKS",
    "Broken",
    "Code",
    "Follow",
    "Hook",
    "Persona",
    "Plugin",
    "Registry",
    "Use",
    "View",
    "bundled_plugins",
    "forgotten",
    "hand_over",
    "load",
    "load_afresh",
    "read_settings",
    "take_over",
]
