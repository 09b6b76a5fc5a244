"""Errors that a user can fix. The command line prints them as one line and exits with 1.

HostError
 +- SettingsError    a setting, `.env` or `host.toml` is missing or invalid
 +- PersonaError     no valid persona, or no persona of that name
 +- MetadataError    a dispatch's metadata is invalid; the call is refused
 +- LiveKitError     LiveKit is unreachable, or rejects the key
"""

import errno


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


def port_not_free(variable: str, host: str, port: int, error: OSError) -> SettingsError:
    """Return the error of a server that can't listen on the address that a variable sets."""
    taken = error.errno == errno.EADDRINUSE
    why = "another program uses it" if taken else error.strerror or str(error)
    return SettingsError(f"{variable}: port {port} of {host} is not free: {why}; set another")
