"""What a call has used is turned into money, by the prices of host.toml."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from stored import a_record

from host.records.cost import Cost
from host.records.pricing import cost_of
from host.records.record import CallRecord, Transfer, Usage
from host.settings.prices import Prices

ANSWERED = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)


def a_call(*usage: Usage, seconds: float = 90, **facts: Any) -> CallRecord:
    """An outbound call that was answered."""
    ended = ANSWERED + timedelta(seconds=seconds)
    known = {
        "direction": "outbound",
        "answered_at": ANSWERED,
        "ended_at": ended,
        "duration": seconds,
        "usage": [*usage],
        "transfers": [],
    }
    return a_record().model_copy(update={**known, **facts})


def used(kind: str, name: str, **amounts: float) -> Usage:
    provider, _, model = name.partition("/")
    return Usage(kind=kind, provider=provider, model=model, amounts=amounts)


def priced(record: CallRecord, trunk: str | None = None, **prices: Any) -> Cost:
    cost = cost_of(
        record,
        Prices.model_validate({"currency": "USD", **prices}),
        trunk=trunk,
        outbound_trunk="ST_ours",
    )
    assert cost is not None
    return cost


def parts(cost: Cost) -> dict[str, float]:
    return {f"{part.kind} {part.name}": part.amount for part in cost.parts}


def test_without_prices_there_is_no_cost() -> None:
    for prices in (Prices(), Prices(currency="EUR")):
        assert cost_of(a_call(), prices, trunk=None, outbound_trunk=None) is None


def test_each_model_is_priced_in_its_units_and_the_line_by_the_minute() -> None:
    record = a_call(
        used("llm", "openai/gpt-4.1-mini", input_tokens=10_000, output_tokens=1000),
        used("stt", "Deepgram/nova-3", audio_duration=90),
        used("tts", "Cartesia/sonic-3", characters_count=500, audio_duration=30),
    )
    cost = priced(
        record,
        models={
            "openai/gpt-4.1-mini": {"input": 0.4, "output": 1.6},
            "deepgram/nova-3": {"audio": 0.006},
            "cartesia/sonic-3": {"characters": 0.05},
        },
        line={"outbound": 0.01},
    )
    assert parts(cost) == {
        "llm openai/gpt-4.1-mini": 0.0056,
        "stt Deepgram/nova-3": 0.009,
        "tts Cartesia/sonic-3": 0.025,
        "line outbound": 0.015,
    }
    assert (cost.total, cost.currency, cost.unpriced) == (0.0546, "USD", [])


def test_what_has_no_price_is_named_and_not_in_the_total() -> None:
    record = a_call(
        used("llm", "openai/gpt-5", input_tokens=10),
        used("stt", "Deepgram/nova-3", audio_duration=60),
        used("tts", "Cartesia/sonic-3", audio_duration=60),
    )
    models = {"deepgram/nova-3": {"audio": 0.006}, "cartesia/sonic-3": {"characters": 1}}
    cost = priced(record, models=models)
    assert cost.total == 0.006
    unpriced = ["llm openai/gpt-5", "tts Cartesia/sonic-3", "line outbound"]
    assert cost.unpriced == unpriced


def test_the_models_of_all_personas_of_a_call_are_priced() -> None:
    record = a_call(
        used("tts", "Cartesia/sonic-3", characters_count=1000),
        used("tts", "Cartesia/sonic-2", characters_count=2000),
    )
    models = {"cartesia/sonic-3": {"characters": 0.05}, "cartesia/sonic-2": {"characters": 0.01}}
    cost = priced(record, models=models, line={"outbound": 0})
    assert parts(cost)["tts Cartesia/sonic-3"] == 0.05
    assert parts(cost)["tts Cartesia/sonic-2"] == 0.02
    assert parts(cost)["line outbound"] == 0


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        ({"input_tokens": 1e6, "input_cached_tokens": 4e5}, 0.6 * 10 + 0.4 * 1),
        ({"input_tokens": 1e6, "input_audio_tokens": 2e5}, 0.8 * 10 + 0.2 * 30),
        (
            {
                "input_tokens": 1e6,
                "input_cached_tokens": 5e5,
                "input_audio_tokens": 4e5,
                "input_cached_audio_tokens": 3e5,
            },
            0.4 * 10 + 0.1 * 30 + 0.5 * 1,
        ),
        ({"output_tokens": 1e6, "output_audio_tokens": 7e5}, 0.3 * 20 + 0.7 * 60),
        ({"session_duration": 120}, 2 * 0.05),
        ({"total_requests": 500}, 0.5 * 0.2),
    ],
)
def test_tokens_that_are_cached_or_audio_have_their_own_price(
    amounts: dict[str, float], expected: float
) -> None:
    price = {"input": 10, "cached_input": 1, "input_audio": 30, "output": 20, "output_audio": 60}
    models = {"openai/gpt-realtime": {**price, "session": 0.05, "requests": 0.2}}
    record = a_call(used("llm", "openai/gpt-realtime", **amounts))
    assert priced(record, models=models).total == pytest.approx(expected)


def test_without_prices_of_their_own_cached_and_audio_tokens_cost_as_others() -> None:
    amounts = {"input_tokens": 1e6, "input_cached_tokens": 4e5, "input_audio_tokens": 1e5}
    record = a_call(used("llm", "openai/gpt-realtime", **amounts, output_tokens=5e5))
    models = {"openai/gpt-realtime": {"input": 10, "output": 20}}
    assert priced(record, models=models).total == pytest.approx(20)


@pytest.mark.parametrize(
    ("used_as", "given"),
    [
        ("api.openai.com/gpt-4.1-mini", "openai/gpt-4.1-mini"),
        ("Deepgram/nova-3", "deepgram/nova-3"),
        ("Deepgram/nova-3", "Deepgram/Nova-3"),
        ("livekit/openai/gpt-4.1-mini", "livekit/openai/gpt-4.1-mini"),
        ("llm.example.com:8000/gemma", "llm.example.com:8000/gemma"),
        ("openai/gpt-9", "openai/*"),
    ],
)
def test_a_price_is_found_by_the_name_that_host_toml_has_for_a_model(
    used_as: str, given: str
) -> None:
    record = a_call(used("llm", used_as, input_tokens=1e6))
    assert priced(record, models={given: {"input": 3, "output": 0}}).total == 3


def test_the_price_of_one_model_comes_before_that_of_all() -> None:
    record = a_call(used("stt", "deepgram/nova-3", audio_duration=60))
    models = {"deepgram/*": {"audio": 1}, "deepgram/nova-3": {"audio": 2}}
    assert priced(record, models=models).total == 2


def test_another_providers_model_of_the_same_name_has_no_price() -> None:
    record = a_call(used("llm", "livekit/openai/gpt-4.1-mini", input_tokens=1e6))
    models = {"openai/gpt-4.1-mini": {"input": 3, "output": 0}}
    assert "llm livekit/openai/gpt-4.1-mini" in priced(record, models=models).unpriced


@pytest.mark.parametrize(
    ("seconds", "increment", "minutes"),
    [(90, 1, 1.5), (61, 60, 2), (60, 60, 1), (7, 6, 0.2), (0.2, 1, 1 / 60), (0, 60, 0)],
)
def test_a_line_is_rounded_up_as_its_carrier_does(
    seconds: float, increment: float, minutes: float
) -> None:
    line = {"outbound": 0.6, "increment": increment}
    cost = priced(a_call(seconds=seconds), line=line)
    assert cost.total == pytest.approx(0.6 * minutes)


def test_directions_and_trunks_have_their_own_prices() -> None:
    prices: dict[str, Any] = {
        "line": {"inbound": 1, "outbound": 2},
        "trunks": {"ST_one": {"inbound": 10, "outbound": 20}},
    }
    call = a_call(seconds=60)
    inbound = a_call(seconds=60, direction="inbound", our_number="+15550001111")
    assert parts(priced(call, **prices)) == {"line outbound": 2}
    assert parts(priced(inbound, **prices)) == {"line inbound": 1}
    assert parts(priced(call, "ST_one", **prices)) == {"line outbound ST_one": 20}
    assert parts(priced(inbound, "ST_one", **prices)) == {"line inbound ST_one": 10}
    assert parts(priced(inbound, "ST_two", **prices)) == {"line inbound ST_two": 1}


def test_a_call_without_an_answer_or_from_a_browser_has_no_line() -> None:
    line = {"inbound": 1, "outbound": 1}
    unanswered = a_call(answered_at=None, seconds=0)
    browser = a_call(direction="inbound", our_number=None)
    for call in (unanswered, browser):
        cost = priced(call, line=line)
        assert (cost.total, cost.parts, cost.unpriced) == (0, [], [])


def test_the_line_of_a_colleague_who_was_called_into_the_room_is_priced_too() -> None:
    at = ANSWERED + timedelta(seconds=30)
    transfers = [
        Transfer(at=at, to="nobody", succeeded=False),
        Transfer(at=at, to="refer", mode="refer", succeeded=True),
        Transfer(
            at=at,
            to="declines",
            mode="warm",
            succeeded=False,
            connected_at=ANSWERED + timedelta(seconds=24),
        ),
        Transfer(at=at, to="takes", mode="bridge", succeeded=True, connected_at=at),
    ]
    cost = priced(a_call(transfers=transfers), line={"outbound": 0.6})
    assert [(part.kind, part.amount) for part in cost.parts] == [
        ("line", 0.9),
        ("transfer", 0.06),
        ("transfer", 0.6),
    ]
    assert cost.parts[1].name == "outbound ST_ours"
