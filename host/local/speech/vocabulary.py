"""Sentences for pocketsphinx: their words, pronunciations, and grammars of them.

flite provides the reading of a sentence (`-pw`: numbers and abbreviations as words) and the
pronunciation of words missing in pocketsphinx's dictionary (`-ps`), so that any sentence works.
"""

from collections.abc import Iterable
from enum import Enum
from functools import cache

from pocketsphinx import Decoder

from host.local.speech.flite import run_flite
from host.local.speech.voice import synthesize

SOUNDS = {"ax": "AH", "axr": "ER", "dx": "D", "nx": "N", "el": "L", "em": "M", "en": "N"}
"""flite's phones that CMUdict writes differently; the others are the same in capitals."""
TEMPO = 0.15, 0.05
"""Tolerance of a sentence's duration against flite's: seconds, and share of the duration.

A grammar matches some sentence in most speech; a wrong or partial one has another duration.
"""


@cache
def _reading(text: str) -> tuple[tuple[bytes, ...], float]:
    """Return the words of a sentence as flite reads them, and its duration without silence."""
    words = tuple(run_flite("-pw", "none", text=text).split())
    return words, synthesize(text, 8000).size / 8000 - 0.08


class Expected(Enum):
    """What the decoder expects, as a rule of its grammar."""

    ONE = "<sentence>"
    SEVERAL = "<sentence>+"
    CUT_OFF = "<sentence>+ <begun>"
    """Several sentences, the last of which is incomplete."""


class Vocabulary:
    """The sentences of one decoder under one name."""

    def __init__(self, decoder: Decoder, name: str) -> None:
        self.name = name
        self._decoder = decoder
        self._sentences: dict[tuple[str, ...], str] = {}
        self._seconds: dict[str, float] = {}
        self._built: dict[Expected, int] = {}
        """Number of sentences in each grammar that the decoder has."""

    def learn(self, texts: Iterable[str]) -> None:
        """Add sentences, and rebuild the grammar if there are new ones."""
        before = len(self._sentences)
        for text in texts:
            read, seconds = _reading(text)
            words = tuple(self._word(word) for word in read)
            if words:
                self._sentences.setdefault(words, text)
                self._seconds[text] = seconds
        if len(self._sentences) > before:
            self.listen_for(Expected.ONE)  # the others when needed, which is seldom

    def listen_for(self, what: Expected) -> None:
        """Let the decoder expect one sentence, or several."""
        if self._built.get(what, 0) < len(self._sentences):
            self._decoder.add_jsgf_string(self._search(what), self._grammar(what))
            self._built[what] = len(self._sentences)
        self._decoder.activate_search(self._search(what))

    def forget(self) -> None:
        """Remove the grammars from the decoder; the words stay."""
        for what in self._built:
            self._decoder.remove_search(self._search(what))
        self._built.clear()

    def sentence(self, words: tuple[str, ...]) -> str | None:
        """Return the sentence with exactly these words; None if there is none."""
        return self._sentences.get(words)

    def seconds(self, sentence: str) -> float:
        """Return the duration of a sentence, without silence."""
        return self._seconds[sentence]

    def fits(self, seconds: float, sentence: str | None = None) -> bool:
        """Return whether the duration fits the sentence, or any sentence."""
        lengths = self._seconds.values() if sentence is None else (self._seconds[sentence],)
        return any(abs(seconds - length) <= TEMPO[0] + TEMPO[1] * length for length in lengths)

    def begin(self, words: tuple[str, ...]) -> list[int]:
        """Return how many of the words may form a sentence from the first on, longest first."""
        longest = min(len(words), max(map(len, self._sentences), default=0))
        return [size for size in range(longest, 0, -1) if words[:size] in self._sentences]

    def __len__(self) -> int:
        return len(self._sentences)

    def _search(self, what: Expected) -> str:
        return f"{self.name}x{what.name.lower()}"

    def _grammar(self, what: Expected) -> str:
        sentences = " | ".join(" ".join(words) for words in self._sentences)
        begun = " | ".join(_beginnings(words) for words in self._sentences)
        rules = [f"public <heard> = {what.value};", f"<sentence> = {sentences};"]
        rules += [f"<begun> = {begun};"] if "<begun>" in what.value else []
        return "\n".join(["#JSGF V1.0;", f"grammar {self._search(what)};", *rules, ""])

    def _word(self, word: bytes) -> str:
        """Return the decoder's name of a word: letters and digits only."""
        name = "w" + word.hex()
        if self._decoder.lookup_word(name) is None:
            for i, sounds in enumerate(self._sounds(word.decode())):
                self._decoder.add_word(name if i == 0 else f"{name}({i + 1})", sounds, False)
        return name

    def _sounds(self, word: str) -> list[str]:
        known = [self._decoder.lookup_word(word)]
        while known[-1]:
            known.append(self._decoder.lookup_word(f"{word}({len(known) + 1})"))
        if known[:-1]:
            return known[:-1]
        phones = run_flite("-ps", "none", text=word).decode().split()
        return [" ".join(SOUNDS.get(p, p.upper()) for p in phones if p != "pau") or "SIL"]


def _beginnings(words: tuple[str, ...]) -> str:
    """Return a rule for the words of a sentence up to any of them."""
    return " [ ".join(words) + " ]" * (len(words) - 1)
