"""Locates a spoken text in a recording, with a matched filter.

flite is deterministic, so the waveform is known. Windows of 200 ms are searched one by one, each
near the position that the previous one implies. Codecs, lost packets and a jitter buffer's time
stretching damage some windows and shift others, but keep their order.

Measured with 35 texts of 0.6 to 6 s through mu-law, Opus 24 and 32 kbit/s, 3 and 5 % packet loss,
time stretched by 4 to 11 ms every 0.25 to 0.6 s: each found once, 208 of 210 as whole, edges within
0.1 s. In 168 s of other sentences by the same voice, no sentence longer than a second was mistaken
for another. A start or end clipped by 50 ms passes, by 200 ms never (62 of 62), by 150 ms seldom.
10 ms of work for each second of recording and sentence.

One module in spite of its length, because its constants were tuned together.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from host.local.speech.audio import Samples
from host.local.speech.request import RATE
from host.local.speech.resample import resample
from host.local.speech.voice import sentences_of, synthesize

Curve = NDArray[np.float64]

WINDOW = RATE // 5
HOP = RATE // 10
EDGE = RATE // 10
ALIKE = 0.62
"""Minimum correlation of a window that counts as found."""
EDGE_ALIKE = 0.5
EDGE_SURE = 0.65
SURE = 0.72
"""Minimum correlation of a window that starts a search."""
HISS = 0.4
"""Share of adjacent samples with different signs above which a sound is a sibilant.

Other edges of sentences have 0.03 to 0.33, sibilants 0.45 to 0.87.
"""
HISSING = 1 / 8
"""Minimum relative power of a sibilant that replaces another."""
SHIFT = RATE * 25 // 1000
"""Samples by which adjacent windows may shift against each other."""
STALL = 8 * SHIFT
"""Samples by which a window of correlation SURE may be late, after a stall of the line."""
LEAST = 0.5
"""Minimum share of a sentence that is reported."""
ENOUGH = 7
"""Minimum windows of an incomplete sentence: half of a short one matches by chance."""
SHORT = 8
"""Windows below which a sentence must be complete, and isolated or next to its text's neighbour:
others contain the same sounds."""
BETWEEN = 3.0
"""Maximum seconds between two sentences of one text."""
AT_ONCE = 0.4
"""Maximum seconds between a short sentence and its neighbour, unless isolated by silence."""
FAINT = 20.0
"""Level (RMS of int16) below which a recording counts as silent."""


@dataclass(frozen=True)
class Found:
    """One occurrence of a text, from `start` to `end` in seconds of the recording.

    `share` is the part of its windows that were found in order. `whole`: the first and last 100 ms
    are present, and no gap of a fifth in between.
    """

    start: float
    end: float
    share: float
    whole: bool


def locate(recording: Samples, rate: int, text: str) -> list[Found]:
    """Return all occurrences of a text in a mono recording at `rate` Hz, in order of time.

    A part of the text, at least LEAST of a sentence, counts too, with its share.
    """
    heard = resample(recording, rate, RATE).astype(np.float64)
    sentences = [_Sentence(sentence) for sentence in sentences_of(text)]
    known = [s.locate(heard) for s in sentences]
    found = [(f, i) for i, some in enumerate(known) for f, sure in some if sure]
    for i, some in enumerate(known):
        next_to_it = [f for f, j in found if abs(i - j) == 1]
        found += [(f, i) for f, sure in some if not sure and _follow_at_once(f, next_to_it)]
    found.sort(key=lambda each: each[0].start)
    windows = [len(s.windows) for s in sentences]
    return [_joined(chain, windows) for chain in _chains(found)]


def _follow_at_once(one: Found, others: Iterable[Found]) -> bool:
    """Return whether a sentence directly follows or precedes one of the others."""
    return any(0 <= max(one.start, f.start) - min(one.end, f.end) <= AT_ONCE for f in others)


def _chains(found: list[tuple[Found, int]]) -> Iterator[dict[int, Found]]:
    """Group sentences that follow each other in the text and in time."""
    chain: dict[int, Found] = {}
    for each, number in found:
        last = max(chain, default=-1)
        if chain and (number <= last or each.start - chain[last].end > BETWEEN):
            yield chain
            chain = {}
        chain[number] = each
    if chain:
        yield chain


def _joined(chain: dict[int, Found], windows: list[int]) -> Found:
    each = list(chain.values())
    share = sum(found.share * windows[i] for i, found in chain.items()) / sum(windows)
    whole = len(each) == len(windows) and all(found.whole for found in each)
    return Found(each[0].start, each[-1].end, share, whole)


class _Sentence:
    """The known waveform of a sentence, in windows: (offset in samples, samples)."""

    def __init__(self, text: str) -> None:
        wave = synthesize(text, RATE).astype(np.float64)
        loud = np.flatnonzero(np.abs(wave) > 0.03 * np.abs(wave).max(initial=1))
        self.begin, self.end = int(loud[0]), int(loud[-1]) + 1
        self.wave = wave
        offsets = range(self.begin, max(self.end - WINDOW, self.begin) + 1, HOP)
        self.windows = [(at, wave[at : at + WINDOW]) for at in offsets if self._loud(at)]

    def _loud(self, at: int) -> bool:
        """Return whether a window is loud: pauses and stops are indistinct."""
        return _level(self.wave[at : at + WINDOW]) > 0.15 * _level(self.wave[self.begin : self.end])

    def locate(self, heard: Curve) -> list[tuple[Found, bool]]:
        """Find all occurrences of the sentence, each with whether it is certain on its own.

        A short one without silence around it is certain only next to the rest of its text.
        """
        if heard.size < WINDOW:
            return []
        curves = _correlations(heard, [window for _, window in self.windows])
        paths = [self._follow(curves, *seed) for seed in self._seeds(curves)]
        found: list[tuple[Found, bool]] = []
        for path in sorted(paths, key=_weight, reverse=True):
            one = self._found(path, heard)
            if self._known(one, len(path)) and all(
                one.start >= f.end or one.end <= f.start for f, _ in found
            ):
                found.append((one, len(self.windows) >= SHORT or self._alone(one, heard)))
        return found

    def _seeds(self, curves: list[Curve]) -> Iterator[tuple[int, int]]:
        """Yield (window, sample) where a window correlates surely, once for each implied start."""
        starts: dict[int, tuple[float, int, int]] = {}
        for k, curve in enumerate(curves):
            for at in np.flatnonzero(curve >= SURE).tolist():
                if curve[at] >= curve[max(at - 20, 0) : at + 21].max():
                    start = (at - self.windows[k][0]) // (4 * SHIFT)
                    hit = (float(curve[at]), k, at)
                    starts[start] = max(starts.get(start, hit), hit)
        for _, k, at in starts.values():
            yield k, at

    def _follow(self, curves: list[Curve], seed: int, at: int) -> dict[int, tuple[int, float]]:
        """Follow a window to its neighbours in both directions; return (sample, correlation)."""
        path = {seed: (at, float(curves[seed][at]))}
        for way in (range(seed + 1, len(curves)), range(seed - 1, -1, -1)):
            drift, slack = at - self.windows[seed][0], SHIFT
            for k in way:
                expected = self.windows[k][0] + drift
                near = _best(curves[k], expected, slack, ALIKE)
                if hit := near or _best(curves[k], expected, STALL, SURE):
                    path[k] = hit
                    drift, slack = hit[0] - self.windows[k][0], SHIFT
                else:
                    slack = min(slack + SHIFT // 2, STALL)
        return path

    def _found(self, path: dict[int, tuple[int, float]], heard: Curve) -> Found:
        first, last = min(path), max(path)
        start = path[first][0] - self.windows[first][0]
        end = path[last][0] - self.windows[last][0]
        missing = sorted({-1, len(self.windows), *path})
        gap = max(b - a for a, b in zip(missing, missing[1:], strict=False)) - 1
        whole = (
            self._at(heard, start, self.begin, self._edge(1))
            and self._at(heard, end, self.end - self._edge(-1), self._edge(-1))
            and gap <= max(len(self.windows) // 5, 2)
        )
        begins = start + (self.begin if whole or first == 0 else self.windows[first][0])
        ends = end + (self.end if whole or last == len(self.windows) - 1 else 0)
        if ends == end:
            ends += self.windows[last][0] + WINDOW
        return Found(begins / RATE, ends / RATE, len(path) / len(self.windows), whole)

    def _known(self, one: Found, windows: int) -> bool:
        """Return whether a match exceeds chance; `windows`: how many were found."""
        if len(self.windows) < SHORT:
            return one.whole and one.share >= 0.7
        return one.share >= LEAST and (one.whole or windows >= ENOUGH)

    def _alone(self, one: Found, heard: Curve) -> bool:
        """Return whether a sentence has silence on both sides."""
        start, end = round(one.start * RATE), round(one.end * RATE)
        before = heard[max(start - EDGE, 0) : max(start - EDGE // 2, 0)]
        after = heard[end + EDGE // 2 : end + EDGE]
        least = 0.1 * _level(heard[start:end])
        return all(_level(part) < least for part in (before, after))

    def _edge(self, way: int) -> int:
        """Return how many samples at the start (1) or end (-1) exceed a breath."""
        wave = self.wave[self.begin : self.end][::way]
        loud = 0.2 * _level(wave)
        return next((n for n in (EDGE, EDGE * 3 // 2) if _level(wave[:n]) > loud), 2 * EDGE)

    def _at(self, heard: Curve, start: int, offset: int, size: int) -> bool:
        """Return whether `size` samples of the sentence are at their expected position.

        A jitter buffer stretches most at the onset of sound, by up to 45 ms under load. At such a
        distance only a high correlation counts, and only with sound at the expected position too.
        """
        edge, at = self.wave[offset : offset + size], start + offset
        if _alike(heard, edge, at, SHIFT // 2) >= EDGE_ALIKE:
            return True
        there = heard[max(at, 0) : max(at + size, 0)]
        power = float(np.sum(there**2)) / float(np.sum(edge**2))
        if power > HISSING and _hisses(edge) and _hisses(there):
            return True  # a sibilant concealed after packet loss: no sample correlates
        return power > 1 / 3 and _alike(heard, edge, at, 2 * SHIFT) >= EDGE_SURE


def _hisses(sound: Curve) -> bool:
    """Return whether a sound is noise-like, as a sibilant is."""
    return sound.size > 1 and float(np.mean(np.diff(np.sign(sound)) != 0)) > HISS


def _alike(heard: Curve, edge: Curve, at: int, shift: int) -> float:
    """Return the best correlation with the edge within `shift` samples of its position."""
    there = heard[max(at - shift, 0) : max(at + edge.size + shift, 0)]
    return float(_correlations(there, [edge])[0].max()) if there.size >= edge.size else 0.0


def _best(curve: Curve, expected: int, slack: int, least: float) -> tuple[int, float] | None:
    """Return (sample, correlation) of the best position near `expected`; None under `least`."""
    low = max(expected - slack, 0)
    near = curve[low : max(expected + slack + 1, 0)]
    best = int(near.argmax()) if near.size else 0
    return (low + best, float(near[best])) if near.size and near[best] >= least else None


def _weight(path: dict[int, tuple[int, float]]) -> float:
    return sum(likeness for _, likeness in path.values())


def _level(wave: Curve) -> float:
    return float(np.sqrt(np.mean(wave**2))) if wave.size else 0.0


def _correlations(heard: Curve, windows: list[Curve]) -> list[Curve]:
    """Return each window's correlation (-1 to 1) with the recording at each sample."""
    longest = max(window.size for window in windows)
    size = 1 << (heard.size + longest).bit_length()
    spectrum = np.fft.rfft(heard, size)
    energy = np.concatenate([[0.0], np.cumsum(heard**2)])
    curves = []
    for window in windows:
        shape = window - window.mean()
        shape /= max(float(np.linalg.norm(shape)), 1e-9)
        product = np.fft.irfft(spectrum * np.conj(np.fft.rfft(shape, size)), size)
        there = heard.size - window.size + 1
        power = energy[window.size :] - energy[: energy.size - window.size]
        floor = window.size * FAINT**2
        curves.append(product[:there] / np.sqrt(np.maximum(power, floor)))
    return curves
