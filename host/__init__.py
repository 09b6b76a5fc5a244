"""The public API for authors of personas and plugins. Nothing else of the host is public."""

from importlib.metadata import version

from host.base.errors import HostError
from host.call.answers import Continue, Greeting, HangUp, Identify, LeaveMessage
from host.call.call import Call
from host.call.caller import Caller
from host.call.data import as_data
from host.call.dispatch import Dispatch
from host.call.hooks import hookimpl
from host.call.keypad import Menu, NoKeys
from host.call.mcp import mcp
from host.privacy import mask
from host.records.outcome import Outcome
from host.records.record import CallRecord

__version__ = version("host")

__all__ = [
    "Call",
    "CallRecord",
    "Caller",
    "Continue",
    "Dispatch",
    "Greeting",
    "HangUp",
    "HostError",
    "Identify",
    "LeaveMessage",
    "Menu",
    "NoKeys",
    "Outcome",
    "as_data",
    "hookimpl",
    "mask",
    "mcp",
]
