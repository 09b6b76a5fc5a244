"""The metrics. Labels are personas and closed vocabularies: few values, none personal."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

BY = ("persona", "direction", "outcome")
RING = (1, 2, 3, 5, 8, 12, 18, 25, 35, 50, 80)
FIRST_WORD = (0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10)
DURATION = (5, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
"""Upper bounds of the histograms' buckets, in seconds."""


class Counts:
    """The metrics of a host's calls."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def histogram(name: str, what: str, bounds: Sequence[float]) -> Histogram:
            return Histogram(
                f"host_call_{name}_seconds", what, BY, buckets=bounds, registry=registry
            )

        def counter(name: str, what: str, *labels: str) -> Counter:
            return Counter(f"host_{name}", what, labels, registry=registry)

        self._live = Gauge(
            "host_live_calls", "Calls that are live.", ["persona"], registry=registry
        )
        self._calls = counter("calls", "Calls that ended.", *BY)
        self._had = counter(
            "persona_calls", "Calls that a persona has had.", "persona", "direction"
        )
        self._talked = counter(
            "talk_seconds",
            "Seconds from the answer in which a persona had calls.",
            "persona",
            "direction",
        )
        self._handovers = counter(
            "handovers", "Calls that a persona gave to another one.", "persona", "to"
        )
        self._cost = counter(
            "cost", "What calls cost, by the prices of host.toml.", *BY, "currency"
        )
        self._ring = histogram("ring", "From ringing to the answer.", RING)
        self._first_word = histogram("first_word", "From the answer to our first word.", FIRST_WORD)
        self._duration = histogram("duration", "From the answer to the end.", DURATION)
        self._voicemail = counter(
            "voicemail_verdicts", "What answered our calls.", "persona", "verdict"
        )
        self._transfers = counter(
            "transfers", "Tries to transfer a call.", "persona", "kind", "result"
        )

    def live(self, persona: str) -> Gauge:
        """Return the gauge of a persona's live calls."""
        return self._live.labels(persona)

    def ended(
        self,
        *,
        persona: str,
        direction: str,
        outcome: str,
        ring_time: float | None,
        time_to_first_word: float | None,
        duration: float | None,
        voicemail: str | None,
        transfers: Sequence[tuple[str, bool, bool]],
        shares: Sequence[tuple[str, float]],
        cost: tuple[str, float] | None = None,
    ) -> None:
        """Count an ended call. Values that are None are skipped.

        `persona` took the call first. A transfer has the persona that tried it, whether it was
        warm, and whether it succeeded; a share has its persona, and its seconds of talk; a cost has
        its currency.
        """
        by = (persona, direction, outcome)
        self._calls.labels(*by).inc()
        for histogram, seconds in (
            (self._ring, ring_time),
            (self._first_word, time_to_first_word),
            (self._duration, duration),
        ):
            if seconds is not None:
                histogram.labels(*by).observe(seconds)
        if cost is not None:
            currency, money = cost
            self._cost.labels(*by, currency).inc(money)
        if voicemail:
            self._voicemail.labels(persona, voicemail).inc()
        for by_persona, warm, succeeded in transfers:
            kind = "warm" if warm else "blind"
            self._transfers.labels(by_persona, kind, "succeeded" if succeeded else "failed").inc()
        for name in {name for name, _ in shares}:
            self._had.labels(name, direction).inc()
        for name, seconds in shares:
            self._talked.labels(name, direction).inc(seconds)
        for (one, _), (other, _) in pairwise(shares):
            self._handovers.labels(one, other).inc()
