"""Sentences for pocketsphinx: their words, pronunciations, and one grammar.

flite provides the reading of a sentence (`-pw`: numbers and abbreviations as words) and the
pronunciation of words missing in pocketsphinx's dictionary (`-ps`), so that any sentence works.
"""

from collections.abc import Iterable
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


class Vocabulary:
    """The sentences of one decoder under one name."""

    def __init__(self, decoder: Decoder, name: str) -> None:
        self.name = name
        self._decoder = decoder
        self._sentences: dict[tuple[str, ...], str] = {}
        self._seconds: dict[str, float] = {}

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
            choices = " | ".join(" ".join(words) for words in self._sentences)
            grammar = f"#JSGF V1.0;\ngrammar {self.name};\npublic <sentence> = {choices};\n"
            self._decoder.add_jsgf_string(self.name, grammar)

    def forget(self) -> None:
        """Remove the grammar from the decoder; the words stay."""
        if self._sentences:
            self._decoder.remove_search(self.name)

    def sentence(self, words: tuple[str, ...]) -> str | None:
        """Return the sentence with exactly these words; None if there is none."""
        return self._sentences.get(words)

    def fits(self, seconds: float, sentence: str | None = None) -> bool:
        """Return whether the duration fits the sentence, or any sentence."""
        lengths = self._seconds.values() if sentence is None else (self._seconds[sentence],)
        return any(abs(seconds - length) <= TEMPO[0] + TEMPO[1] * length for length in lengths)

    def __len__(self) -> int:
        return len(self._sentences)

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
