"""Turns what a call has used into money."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from host.records.cost import Cost, CostPart
from host.records.record import CallRecord, Usage
from host.settings.prices import LinePrice, ModelPrice, Prices

PLACES = 6
"""Decimal places of money: a call costs fractions of a cent."""
MILLION, THOUSAND, MINUTE = 1_000_000, 1000, 60

Priced = tuple[str, str, float | None]
"""The kind and name of something, and what it cost; None if it has no price."""
_Rate = tuple[float | None, float]


def cost_of(
    record: CallRecord, prices: Prices, *, trunk: str | None, outbound_trunk: str | None
) -> Cost | None:
    """Return what a call cost; None without prices.

    Models are priced one by one, whichever persona had the call when they were used. `trunk` is the
    one of the call, `outbound_trunk` the one over which colleagues are called.
    """
    if not prices.given:
        return None
    priced = [
        *_models(record, prices),
        *_line(record, prices, trunk),
        *_transfers(record, prices, outbound_trunk),
    ]
    parts = [
        CostPart(kind=kind, name=name, amount=round(amount, PLACES))
        for kind, name, amount in priced
        if amount is not None
    ]
    return Cost(
        currency=prices.currency,
        total=round(sum(part.amount for part in parts), PLACES),
        parts=parts,
        unpriced=[f"{kind} {name}" for kind, name, amount in priced if amount is None],
    )


def _models(record: CallRecord, prices: Prices) -> Iterator[Priced]:
    for usage in record.usage:
        price = prices.of_model(usage.provider, usage.model)
        amount = None if price is None else _of_model(usage, price)
        yield usage.kind, f"{usage.provider}/{usage.model}", amount


def _of_model(usage: Usage, price: ModelPrice) -> float | None:
    """Return what a model cost; None if its price is not for the units that it used."""
    amounts = [
        used * each
        for each, used in (
            (price.characters, usage.amounts.get("characters_count", 0) / THOUSAND),
            (price.audio, usage.amounts.get("audio_duration", 0) / MINUTE),
            (price.session, usage.amounts.get("session_duration", 0) / MINUTE),
            (price.requests, usage.amounts.get("total_requests", 0) / THOUSAND),
            *_tokens(usage.amounts, price),
        )
        if each is not None and used
    ]
    return sum(amounts) if amounts else None


def _tokens(amounts: Mapping[str, float], price: ModelPrice) -> Iterator[_Rate]:
    """Yield prices, and millions of tokens at each: cached ones and those of audio are apart."""

    def millions(name: str) -> float:
        return amounts.get(name, 0) / MILLION

    cached, audio = millions("input_cached_tokens"), millions("input_audio_tokens")
    cached_audio = millions("input_cached_audio_tokens")
    fresh_audio = max(audio - cached_audio, 0)
    yield price.input, max(millions("input_tokens") - cached - fresh_audio, 0)
    yield _first(price.cached_input, price.input), cached
    yield _first(price.input_audio, price.input), fresh_audio
    spoken = millions("output_audio_tokens")
    yield price.output, max(millions("output_tokens") - spoken, 0)
    yield _first(price.output_audio, price.output), spoken


def _line(record: CallRecord, prices: Prices, trunk: str | None) -> Iterator[Priced]:
    """Yield the cost of the call's own line. A browser shows no number of ours, and has no line."""
    telephone = record.direction == "outbound" or record.our_number is not None
    if record.answered_at and telephone:
        line = prices.of_line(trunk)
        price = line.inbound if record.direction == "inbound" else line.outbound
        name = " ".join(filter(None, (record.direction, trunk)))
        yield "line", name, _minutes(record.duration, line, price)


def _transfers(record: CallRecord, prices: Prices, trunk: str | None) -> Iterator[Priced]:
    """Yield the cost of the lines on which colleagues were called into the room."""
    for transfer in record.transfers:
        if transfer.connected_at:
            until = record.ended_at if transfer.succeeded else transfer.at
            line = prices.of_line(trunk)
            name = " ".join(filter(None, ("outbound", trunk)))
            seconds = max((until - transfer.connected_at).total_seconds(), 0)
            yield "transfer", name, _minutes(seconds, line, line.outbound)


def _minutes(seconds: float, line: LinePrice, price: float | None) -> float | None:
    if price is None:
        return None
    billed = math.ceil(round(seconds / line.increment, 3)) * line.increment
    return billed / MINUTE * price


def _first(price: float | None, other: float | None) -> float | None:
    return other if price is None else price
