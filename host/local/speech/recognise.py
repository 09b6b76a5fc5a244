"""The recogniser process: `python -m host.local.speech.recognise`, one for each process.

pocketsphinx holds Python's GIL while it works, so it runs in a separate process. It reads pickled
requests from standard input, writes pickled answers, and ends with its input.
"""

import contextlib
import os
import pickle
import sys
from collections import OrderedDict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pocketsphinx import Decoder

from host.local.speech.audio import Samples, silence, trim
from host.local.speech.request import RATE, Finding, Request
from host.local.speech.resample import resample
from host.local.speech.vocabulary import Vocabulary
from host.local.speech.voice import synthesize

MIRROR = 0.1
NOISE = 32.8
"""-60 dBFS."""
FLOOR = 0.004
"""Minimum probability of a sentence that counts."""
OUT_OF_STEP = 0.2
"""Seconds by which a word's start may differ from flite's own reading."""
LONGEST_PAUSES = 0.3, 0.08
"""Maximum seconds of a pause, tried in turn: the real one, and one torn into a word by loss."""
REMEMBERED = 300
"""Number of cached results: unrecognised pieces, as of music, are tried again with each new one,
which took a core."""

_Result = tuple[str, float] | None


class Recogniser:
    """Finds the sentences of vocabularies in speech."""

    def __init__(self) -> None:
        self._decoder = Decoder(lm=None, cmn="batch", loglevel="FATAL")
        self._vocabularies: dict[str, Vocabulary] = {}
        """By scene: the vocabulary of its current story."""
        self._times: dict[str, list[float]] = {}
        self._known: OrderedDict[tuple[str, int, bytes], _Result] = OrderedDict()
        """Results by vocabulary, its size, and speech."""

    def answer(self, request: Request) -> list[Finding]:
        """Learn new sentences, then return the sentences in the pieces, in order."""
        vocabulary = self._vocabulary_of(request)
        vocabulary.learn(request.sentences)
        if not len(vocabulary):
            return []
        self._decoder.activate_search(vocabulary.name)
        findings, first = [], 0
        while first < len(request.pieces):
            found = self._longest(vocabulary, request, first)
            findings += [found] if found else []
            first = found.last + 1 if found else first + 1
        return findings

    def _vocabulary_of(self, request: Request) -> Vocabulary:
        """Return the vocabulary of the scene's story; the previous story's is dropped."""
        known = self._vocabularies.get(request.scene)
        if known is not None and known.name == request.story:
            return known
        if known is not None:
            known.forget()
        new = self._vocabularies[request.scene] = Vocabulary(self._decoder, request.story)
        return new

    def _longest(self, vocabulary: Vocabulary, request: Request, first: int) -> Finding | None:
        """Return the sentence that starts with piece `first` and covers the most pieces."""
        for last in reversed(range(first, len(request.pieces))):
            for longest in LONGEST_PAUSES[: 1 if first == last else 2]:
                if heard := self._one(vocabulary, _join(request, first, last, longest)):
                    return Finding(heard[0], first, last, heard[1])
        return None

    def _one(self, vocabulary: Vocabulary, speech: Samples) -> _Result:
        """Return the single sentence in the speech, and its probability."""
        heard = vocabulary.name, len(vocabulary), speech.tobytes()
        if heard not in self._known:
            self._known[heard] = self._listen(vocabulary, speech)
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        return self._known[heard]

    def _listen(self, vocabulary: Vocabulary, speech: Samples) -> _Result:
        seconds = speech.size / RATE
        if not vocabulary.fits(seconds):
            return None
        sentence, probability, times = self._decode(vocabulary, speech)
        if sentence is None or probability < FLOOR or not vocabulary.fits(seconds, sentence):
            return None
        if sentence not in self._times:
            own = trim(synthesize(sentence, RATE), RATE, 0, 0)
            self._times[sentence] = self._decode(vocabulary, own)[2]
        pairs = zip(times, self._times[sentence], strict=False)
        if any(abs(time - own) > OUT_OF_STEP for time, own in pairs):
            return None
        return sentence, probability

    def _decode(
        self, vocabulary: Vocabulary, speech: Samples
    ) -> tuple[str | None, float, list[float]]:
        """Return the likeliest sentence, its probability and the starts of its words in seconds."""
        padded = np.concatenate([silence(0.1, RATE), speech, silence(0.15, RATE)])
        # Otherwise earlier speech would slightly change the result.
        self._decoder.reinit_feat()
        self._decoder.start_utt()
        self._decoder.process_raw(mirror(padded).tobytes(), False, True)
        self._decoder.end_utt()
        hypothesis = self._decoder.hyp()
        if hypothesis is None:
            return None, 0.0, []
        words = [segment for segment in self._decoder.seg() if segment.word.startswith("w")]
        sentence = vocabulary.sentence(tuple(word.word.partition("(")[0] for word in words))
        times = [word.start_frame / 100 for word in words]
        return sentence, min(float(hypothesis.prob), 1.0), times


def mirror(speech: Samples) -> NDArray[np.int16]:
    """Fill the upper band, which telephone audio lacks and the 16 kHz model expects."""
    wide = resample(speech, RATE, 2 * RATE).astype(np.float64)
    sign = 1.0 - 2.0 * (np.arange(wide.size) % 2)
    noise = np.random.default_rng(0).normal(0, NOISE, wide.size)
    return np.clip(wide + MIRROR * wide * sign + noise, -32768, 32767).astype(np.int16)


def _join(request: Request, first: int, last: int, longest: float) -> Samples:
    parts = [request.pieces[first]]
    for i in range(first + 1, last + 1):
        parts += [silence(min(request.pauses[i - 1], longest), RATE), request.pieces[i]]
    return np.concatenate(parts)


def main() -> None:
    """Answer requests until standard input ends."""
    os.nice(10)  # audio has priority: late audio is lost, a late answer is not
    recogniser = Recogniser()
    answer: Any
    with contextlib.suppress(EOFError, KeyboardInterrupt, BrokenPipeError):
        while True:
            request = pickle.load(sys.stdin.buffer)
            try:
                answer = recogniser.answer(request)
            except Exception as error:
                answer = error
            pickle.dump(answer, sys.stdout.buffer)
            sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
