"""Errors for wrong or missing keys."""

from host.base.errors import HostError


class NoKeys(HostError):
    """The caller pressed no valid keys in any of the tries."""


class Missed(Exception):
    """One failed try. `wrong`: keys were pressed, but invalid ones; False: none or too few."""

    def __init__(self, *, wrong: bool) -> None:
        super().__init__("wrong keys" if wrong else "no keys")
        self.wrong = wrong
