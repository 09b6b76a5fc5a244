"""Replaces personas, plugins and settings while calls are live."""

from host.server.reload.background import Background, Work
from host.server.reload.control import Control
from host.server.reload.reloader import Reloader
from host.server.reload.result import Reloaded
from host.server.reload.signal import reloads_on_hangup
from host.server.reload.watch import watch

__all__ = [
    "Background",
    "Control",
    "Reloaded",
    "Reloader",
    "Work",
    "reloads_on_hangup",
    "watch",
]
