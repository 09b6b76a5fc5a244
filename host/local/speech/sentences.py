"""The vocabulary of a scene: the sentences that can be recognised in it."""

from collections.abc import Iterable, Iterator
from itertools import count

from host.local.speech.voice import sentences_of

_numbers = count()


class Sentences:
    """A growing list of single sentences, which recognition is limited to.

    Recognition slows down with their number, so a scene with several stories forgets each one's
    sentences. `texts` and texts added as `kept` stay.
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self.scene = f"scene{next(_numbers)}"
        self._stories = count()
        self._story = next(self._stories)
        self._sentences: dict[str, bool] = {}
        for text in texts:
            self.add(text, kept=True)

    def add(self, text: str, *, kept: bool = False) -> None:
        """Add each sentence of a text, once."""
        for sentence in sentences_of(text):
            self._sentences[sentence] = self._sentences.get(sentence, False) or kept

    def forget(self) -> None:
        """Start another story: forget sentences that are not kept."""
        self._sentences = {sentence: True for sentence, kept in self._sentences.items() if kept}
        self._story = next(self._stories)

    @property
    def story(self) -> tuple[str, tuple[str, ...]]:
        """The story's name, and its sentences in order; more may be added."""
        return f"{self.scene}x{self._story}", tuple(self._sentences)

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._sentences))

    def __contains__(self, sentence: str) -> bool:
        return sentence in self._sentences

    def __len__(self) -> int:
        return len(self._sentences)
