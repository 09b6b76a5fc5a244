"""The vocabulary of a scene: the sentences that may be heard in it."""

from collections.abc import Iterable, Iterator
from itertools import count

from host.local.speech.voice import sentences_of

_numbers = count()


class Sentences:
    """A growing list of single sentences. Ears hear these and nothing else.

    `changes` counts the sentences that came; nothing is ever taken away, so that ears need to
    learn only what is new.
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self.name = f"scene{next(_numbers)}"
        self._sentences: dict[str, None] = {}
        for text in texts:
            self.add(text)

    def add(self, text: str) -> None:
        """Add each sentence of a text; one that is known already changes nothing."""
        for sentence in sentences_of(text):
            self._sentences.setdefault(sentence)

    @property
    def changes(self) -> int:
        """Count the changes so far."""
        return len(self._sentences)

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._sentences))

    def __contains__(self, sentence: str) -> bool:
        return sentence in self._sentences

    def __len__(self) -> int:
        return len(self._sentences)
