"""What a user can mend. The command line prints these as one line and exits with 1.

HostError
 +- SettingsError    a setting, `.env` or `host.toml` is missing or wrong
 +- PersonaError     there is no good persona, or no persona of that name
 +- MetadataError    a dispatch's metadata can't be used; the call is refused
 +- LiveKitError     LiveKit can't be reached, or refuses the key
"""


class HostError(Exception):
    """A mistake that its reader can mend. Its text is one line that says how."""


class SettingsError(HostError):
    """A setting, `.env` or `host.toml` is missing or wrong."""


class PersonaError(HostError):
    """There is no good persona, or no persona of that name."""


class MetadataError(HostError):
    """A dispatch's metadata can't be used. The call is refused, and nothing is dialled."""


class LiveKitError(HostError):
    """LiveKit can't be reached, or refuses the key."""
