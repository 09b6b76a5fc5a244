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

from pocketsphinx import Decoder

from host.local.speech.audio import Samples, trim
from host.local.speech.decode import Word, words_in
from host.local.speech.joined import Joined
from host.local.speech.request import RATE, Finding, Request
from host.local.speech.vocabulary import Expected, Vocabulary
from host.local.speech.voice import synthesize

FLOOR = 0.004
"""Minimum probability of a sentence that counts."""
OUT_OF_STEP = 0.2
"""Seconds by which a word's start may differ from flite's own reading."""
LONGEST_PAUSES = 0.3, 0.08
"""Maximum seconds of a pause, tried in turn: the real one, and one torn into a word by loss."""
LONGEST_SEQUENCE = 12.0
"""Maximum seconds of speech in which several sentences are looked for: each takes 0.1 s of work."""
SHORT = 1.0
"""Seconds below which a sentence counts only if all that was said with it is recognised: others
begin and end with the same words."""
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
        self._sequences: OrderedDict[tuple[str, int, bytes], list[Word]] = OrderedDict()
        """The words of sequences, by the same."""

    def answer(self, request: Request) -> list[Finding]:
        """Learn new sentences, then return the sentences in the pieces, in order."""
        vocabulary = self._vocabulary_of(request)
        vocabulary.learn(request.sentences)
        if not len(vocabulary):
            return []
        findings, first, missed = list[Finding](), 0, 0
        while first < len(request.pieces):
            found = self._longest(vocabulary, request, first)
            if found and missed < first:
                findings += self._between(vocabulary, request, missed, first - 1, findings)
            if found:
                findings.append(found)
                first = missed = found.end.piece + 1
            else:
                first += 1
        if missed < first:
            findings += self._between(vocabulary, request, missed, first - 1, findings)
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
                sound = Joined(request, first, last, longest)
                if heard := self._one(vocabulary, sound.samples):
                    return _finding(sound, heard, 0, sound.samples.size)
        return None

    def _between(
        self,
        vocabulary: Vocabulary,
        request: Request,
        first: int,
        last: int,
        before: list[Finding],
    ) -> list[Finding]:
        """Return the sentences in pieces that are none as a whole: they contain several, or parts.

        If they are the rest of a sentence whose beginning was taken for another one, the last of
        the sentences `before` is removed.
        """
        found, complete = self._several(vocabulary, request, first, last)
        if not complete and before:
            again, complete = self._several(vocabulary, request, before[-1].start.piece, last)
            if complete:
                before.pop()
                return again
        return found

    def _several(
        self, vocabulary: Vocabulary, request: Request, first: int, last: int
    ) -> tuple[list[Finding], bool]:
        """Return the sentences in pieces without pauses between them, and whether that is all."""
        for longest in LONGEST_PAUSES[: 1 if first == last else 2]:
            sound = Joined(request, first, last, longest)
            if sound.samples.size > LONGEST_SEQUENCE * RATE:
                return [], False
            findings, complete = self._sequence(vocabulary, sound, Expected.SEVERAL)
            if complete:
                return findings, True
        sound = Joined(request, first, last, LONGEST_PAUSES[0])
        findings, _ = self._sequence(vocabulary, sound, Expected.CUT_OFF)
        return [each for each in findings if vocabulary.seconds(each.text) >= SHORT], False

    def _sequence(
        self, vocabulary: Vocabulary, sound: Joined, expected: Expected
    ) -> tuple[list[Finding], bool]:
        """Return the sentences in a sound, and whether there is nothing else in it.

        The decoder only proposes where a sentence begins and ends. It counts if it is recognised
        alone, and a silence, however short, separates it from its neighbours.
        """
        words = self._words_in(vocabulary, sound.samples, expected)
        findings, at, complete = list[Finding](), 0, bool(words)
        while at < len(words):
            found, after = self._next(vocabulary, sound, words, at)
            findings += [found] if found else []
            complete = complete and found is not None
            at = after
        return findings, complete

    def _next(
        self, vocabulary: Vocabulary, sound: Joined, words: list[Word], at: int
    ) -> tuple[Finding | None, int]:
        """Return the sentence that starts with word `at`, if one does, and the word after it."""
        start = sound.cut(words, at)
        for size in vocabulary.begin(tuple(word.name for word in words[at:])):
            after = at + size
            # The decoder may hear one more word in the fading sound of the last sentence.
            ends = [len(words), after] if len(words) - after == 1 else [after]
            for after in ends:
                end = sound.cut(words, after)
                if start is None or end is None:
                    continue
                speech = trim(sound.samples[start:end], RATE, 0, 0)
                if heard := self._one(vocabulary, speech):
                    return _finding(sound, heard, start, end), after
        return None, at + 1

    def _words_in(self, vocabulary: Vocabulary, speech: Samples, expected: Expected) -> list[Word]:
        """Return the words of the likeliest sequence of sentences."""
        key = f"{vocabulary.name} {expected.name}", len(vocabulary), speech.tobytes()
        if key not in self._sequences:
            vocabulary.listen_for(expected)
            self._sequences[key] = words_in(speech, self._decoder)[0]
            if len(self._sequences) > REMEMBERED:
                self._sequences.popitem(last=False)
        return self._sequences[key]

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
        sentence, probability, times = self._sentence_in(vocabulary, speech)
        if sentence is None or probability < FLOOR or not vocabulary.fits(seconds, sentence):
            return None
        if sentence not in self._times:
            own = trim(synthesize(sentence, RATE), RATE, 0, 0)
            self._times[sentence] = self._sentence_in(vocabulary, own)[2]
        pairs = zip(times, self._times[sentence], strict=False)
        if any(abs(time - own) > OUT_OF_STEP for time, own in pairs):
            return None
        return sentence, probability

    def _sentence_in(
        self, vocabulary: Vocabulary, speech: Samples
    ) -> tuple[str | None, float, list[float]]:
        """Return the likeliest sentence, its probability and the starts of its words in seconds."""
        vocabulary.listen_for(Expected.ONE)
        words, probability = words_in(speech, self._decoder)
        sentence = vocabulary.sentence(tuple(word.name for word in words))
        return sentence, probability, [word.start for word in words]


def _finding(sound: Joined, heard: tuple[str, float], start: int, end: int) -> Finding:
    return Finding(heard[0], sound.place(start), sound.place(end, end=True), heard[1])


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
