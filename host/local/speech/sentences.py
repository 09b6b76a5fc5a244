"""The vocabulary of a scene: the sentences that may be heard in it."""

from collections.abc import Iterable, Iterator
from itertools import count

from host.local.speech.voice import sentences_of

_numbers = count()


class Sentences:
    """A growing list of single sentences. Ears hear these and nothing else.

    Ears slow down with all that they know, so that a scene in which one story follows another
    forgets what was said in the last one. `texts` stay, and what is added to be `kept`.
    """

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self.scene = f"scene{next(_numbers)}"
        self._stories = count()
        self._story = next(self._stories)
        self._sentences: dict[str, bool] = {}
        for text in texts:
            self.add(text, kept=True)

    def add(self, text: str, *, kept: bool = False) -> None:
        """Add each sentence of a text; one that is known already is not added again."""
        for sentence in sentences_of(text):
            self._sentences[sentence] = self._sentences.get(sentence, False) or kept

    def forget(self) -> None:
        """Forget what is not kept: another story begins."""
        self._sentences = {sentence: True for sentence, kept in self._sentences.items() if kept}
        self._story = next(self._stories)

    @property
    def story(self) -> tuple[str, tuple[str, ...]]:
        """The story's name, and its sentences in the order in which they came: more may follow."""
        return f"{self.scene}x{self._story}", tuple(self._sentences)

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._sentences))

    def __contains__(self, sentence: str) -> bool:
        return sentence in self._sentences

    def __len__(self) -> int:
        return len(self._sentences)
