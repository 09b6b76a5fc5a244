"""Sentences as pocketsphinx hears them: words, their sounds, and one grammar of all of them.

flite itself says how a sentence is read (`-pw`: numbers and abbreviations as words) and how a
word sounds that pocketsphinx's dictionary lacks (`-ps`), so that every sentence can be heard.
"""

from collections.abc import Iterable
from functools import cache

from pocketsphinx import Decoder

from host.local.speech.flite import run_flite
from host.local.speech.voice import synthesize

SOUNDS = {"ax": "AH", "axr": "ER", "dx": "D", "nx": "N", "el": "L", "em": "M", "en": "N"}
"""flite's sounds that CMUdict writes differently; the others are the same in capitals."""
TEMPO = 0.15, 0.05
"""How far from flite's own length a sentence may be: seconds, and share of its length.

A grammar finds some sentence in most speech; a foreign one, or half of a known one, betrays
itself by its length.
"""


@cache
def _reading(text: str) -> tuple[tuple[bytes, ...], float]:
    """Give the words of a sentence as flite reads them, and its seconds without the silence."""
    words = tuple(run_flite("-pw", "none", text=text).split())
    return words, synthesize(text, 8000).size / 8000 - 0.08


class Vocabulary:
    """The sentences that one decoder knows under one name."""

    def __init__(self, decoder: Decoder, name: str) -> None:
        self.name = name
        self._decoder = decoder
        self._sentences: dict[tuple[str, ...], str] = {}
        self._seconds: dict[str, float] = {}

    def learn(self, texts: Iterable[str]) -> None:
        """Add sentences, and make the grammar anew if there are any."""
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
        """Let the decoder forget the grammar; it still knows the words."""
        if self._sentences:
            self._decoder.remove_search(self.name)

    def sentence(self, words: tuple[str, ...]) -> str | None:
        """Give the sentence of these words, if they are a whole one."""
        return self._sentences.get(words)

    def fits(self, seconds: float, sentence: str | None = None) -> bool:
        """Tell whether the sentence, or else any sentence, takes about so long."""
        lengths = self._seconds.values() if sentence is None else (self._seconds[sentence],)
        return any(abs(seconds - length) <= TEMPO[0] + TEMPO[1] * length for length in lengths)

    def __len__(self) -> int:
        return len(self._sentences)

    def _word(self, word: bytes) -> str:
        """Give the name under which the decoder knows a word: letters and digits only."""
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
