"""What authors of personas and plugins import. Nothing else of the host is public."""

from host.answers import Continue, Greeting, HangUp, Identify, LeaveMessage
from host.call import Call
from host.caller import Caller
from host.data import as_data
from host.dispatch import Dispatch
from host.errors import HostError
from host.hookspecs import hookimpl
from host.keypad import Menu, NoKeys
from host.outcome import Outcome
from host.private import mask
from host.record import CallRecord

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
]
