"""Errors that a user can fix. The command line prints them as one line and exits with 1.

HostError
 +- SettingsError    a setting, `.env` or `host.toml` is missing or invalid
 +- PersonaError     no valid persona, or no persona of that name
 +- MetadataError    a dispatch's metadata is invalid; the call is refused
 +- LiveKitError     LiveKit is unreachable, or rejects the key
"""


class HostError(Exception):
    """An error that the user can fix. Its text is one line that says how."""


class SettingsError(HostError):
    """A setting, `.env` or `host.toml` is missing or invalid."""


class PersonaError(HostError):
    """There is no valid persona, or no persona of that name."""


class MetadataError(HostError):
    """A dispatch's metadata is invalid. The call is refused and nothing is dialled."""


class LiveKitError(HostError):
    """LiveKit is unreachable, or rejects the key."""
