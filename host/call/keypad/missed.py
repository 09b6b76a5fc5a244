"""What is said of keys that are wrong, or that do not come."""

from host.base.errors import HostError


class NoKeys(HostError):
    """Nobody pressed what was asked for, in any of the tries."""


class Missed(Exception):
    """One try that gave no answer. `wrong` is False where nothing, or too little, was pressed."""

    def __init__(self, *, wrong: bool) -> None:
        super().__init__("wrong keys" if wrong else "no keys")
        self.wrong = wrong
