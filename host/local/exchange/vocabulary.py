"""What the exchange needs of `host.local.speech.Sentences`."""

from typing import Protocol


class Vocabulary(Protocol):
    """The sentences that ears can recognise; it grows as people speak."""

    def add(self, text: str) -> object:
        """Let the ears know this text."""
