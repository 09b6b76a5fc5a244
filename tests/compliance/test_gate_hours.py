"""Nobody is called at night: by the clocks of the called party, the strictest of them."""

from __future__ import annotations

import functools
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from phonenumbers.tzdata import TIMEZONE_DATA

from host.compliance import Gate, Rule
from host.compliance.hours import day_began, zones_of
from host.settings import Settings

EVERYWHERE: dict[str, Any] = {
    "allow_numbers": [f"+{digit}*" for digit in range(1, 10)],
    "max_attempts_a_day": 0,
}


@functools.cache  # settings take 5 ms to make, and some tests ask for every hour of a year
def gate_of(hours: str) -> Gate:
    """The gate of a host that dials at these hours."""
    settings = Settings(**EVERYWHERE, calling_hours=hours)
    return Gate(settings, settings.persona("desk"))


def is_called(number: str, at: str, hours: str = "08:00-21:00") -> bool:
    """Tell whether a number would be dialled at an instant."""
    verdict = gate_of(hours).dial(number, datetime.fromisoformat(at), attempt=False)
    assert verdict.rule in (None, Rule.HOURS)
    return verdict.allowed


@pytest.mark.parametrize(
    ("number", "at", "called"),
    [
        # New York: UTC-5, in summer UTC-4
        ("+12125550123", "2026-01-15T12:59:59Z", False),
        ("+12125550123", "2026-01-15T13:00:00Z", True),
        ("+12125550123", "2026-01-16T01:59:59Z", True),
        ("+12125550123", "2026-01-16T02:00:00Z", False),
        ("+12125550123", "2026-07-15T11:59:59Z", False),
        ("+12125550123", "2026-07-15T12:00:00Z", True),
        ("+12125550123", "2026-07-15T08:00:00-04:00", True),
        # The mornings after its clocks have changed
        ("+12125550123", "2026-03-08T12:00:00Z", True),
        ("+12125550123", "2026-03-08T11:59:00Z", False),
        ("+12125550123", "2026-11-01T12:30:00Z", False),
        ("+12125550123", "2026-11-01T13:00:00Z", True),
        # London and Berlin, by fixed line and by mobile
        ("+442071234567", "2026-01-15T08:00:00Z", True),
        ("+442071234567", "2026-07-15T20:00:00Z", False),
        ("+447400123456", "2026-07-15T07:00:00Z", True),
        ("+4915123456789", "2026-01-15T20:00:00Z", False),
        ("+4915123456789", "2026-01-15T19:59:00Z", True),
        # Sydney, where summer is in January: UTC+11, in winter UTC+10
        ("+61291234567", "2026-01-14T21:00:00Z", True),
        ("+61291234567", "2026-07-14T21:00:00Z", False),
        ("+61291234567", "2026-07-14T22:00:00Z", True),
        # Half an hour, and three quarters
        ("+912212345678", "2026-01-15T02:29:00Z", False),
        ("+912212345678", "2026-01-15T02:30:00Z", True),
        ("+97714123456", "2026-01-15T02:14:00Z", False),
        ("+97714123456", "2026-01-15T02:15:00Z", True),
        # Toll-free of the United States: day from New York to Hawaii
        ("+18002123456", "2026-01-15T17:59:00Z", False),
        ("+18002123456", "2026-01-15T18:00:00Z", True),
        ("+18002123456", "2026-01-16T01:59:00Z", True),
        ("+18002123456", "2026-01-16T02:00:00Z", False),
        # No such number: anywhere in the country of its code
        ("+15552220001", "2026-01-15T17:59:00Z", False),
        ("+15552220001", "2026-01-15T18:00:00Z", True),
        # Russian mobiles, from Kaliningrad to Kamchatka
        ("+79161234567", "2026-01-15T05:59:00Z", False),
        ("+79161234567", "2026-01-15T06:00:00Z", True),
        ("+79161234567", "2026-01-15T08:59:00Z", True),
        ("+79161234567", "2026-01-15T09:00:00Z", False),
    ],
)
def test_a_number_is_called_by_day(number: str, at: str, called: bool) -> None:
    assert is_called(number, at) is called


@pytest.mark.parametrize("hours", ["", "00:00-24:00"])
def test_a_deployment_may_call_at_any_hour(hours: str) -> None:
    assert is_called("+12125550123", "2026-01-15T06:00:00Z", hours)
    assert is_called("+12125550123", "2026-01-15T04:59:59Z", hours)


def test_any_hour_is_any_hour_also_where_nobody_knows_the_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("host.compliance.hours.zones_of", lambda number: frozenset())
    assert is_called("+12125550123", "2026-01-15T12:00:00Z", "00:00-24:00")
    assert is_called("+12125550123", "2026-01-15T12:00:00Z", "")
    assert not is_called("+12125550123", "2026-01-15T12:00:00Z", "00:00-23:59")


@pytest.mark.corpus
def test_of_several_zones_the_strictest_counts_all_year_round() -> None:
    """Numbers of area 208 are in Idaho's south and north: an hour apart."""
    many = "+12082225678"
    zones = zones_of(many)
    assert len({datetime(2026, 1, 1, tzinfo=ZoneInfo(zone)).utcoffset() for zone in zones}) > 1
    at = datetime(2026, 1, 1, tzinfo=UTC)
    while at.year == 2026:
        everywhere = all(8 <= at.astimezone(ZoneInfo(zone)).hour < 21 for zone in zones)
        assert is_called(many, at.isoformat()) is everywhere, at
        at += timedelta(hours=5, minutes=7)


EAST, CENTRAL, MOUNTAIN = "America/New_York", "America/Chicago", "America/Denver"
PACIFIC, TORONTO, EDMONTON = "America/Los_Angeles", "America/Toronto", "America/Edmonton"
SPLIT_AREAS = {
    "219": {EAST, CENTRAL},
    "270": {EAST, CENTRAL},
    "308": {CENTRAL, MOUNTAIN},
    "423": {EAST, CENTRAL},
    "541": {PACIFIC, MOUNTAIN},
    "574": {EAST, CENTRAL},
    "606": {EAST, CENTRAL},
    "620": {CENTRAL, MOUNTAIN},
    "785": {CENTRAL, MOUNTAIN},
    "812": {EAST, CENTRAL},
    "850": {EAST, CENTRAL},
    "906": {EAST, CENTRAL},
    "907": {"America/Anchorage", "America/Adak"},
    "928": {"America/Phoenix", MOUNTAIN},
    "250": {"America/Vancouver", EDMONTON},
    "418": {TORONTO, "America/Halifax"},
    "807": {TORONTO, "America/Winnipeg"},
    "867": {"America/Vancouver", EDMONTON, "America/Winnipeg", TORONTO},
    "448": {EAST, CENTRAL},
    "364": {EAST, CENTRAL},
    "930": {EAST, CENTRAL},
    "458": {PACIFIC, MOUNTAIN},
    "581": {TORONTO, "America/Halifax"},
    "778": {"America/Vancouver", EDMONTON},
}


@pytest.mark.parametrize("area", SPLIT_AREAS)
def test_an_exchange_that_is_not_listed_may_be_in_any_zone_of_its_area(area: str) -> None:
    """By phonenumbers it would have one of them; the later ones of the table are overlays."""
    exchanges = (f"1{area}{exchange}" for exchange in range(200, 1000))
    unlisted = next(exchange for exchange in exchanges if exchange not in TIMEZONE_DATA)
    assert zones_of(f"+{unlisted}0123") >= SPLIT_AREAS[area]


def test_an_exchange_that_is_listed_has_its_own_zone() -> None:
    listed = {zones_of(f"+{prefix}0123") for prefix in TIMEZONE_DATA if prefix.startswith("1219")}
    assert frozenset({CENTRAL}) in listed


def test_a_number_that_only_its_country_places_has_all_zones_of_the_country_and_no_others() -> None:
    toll_free = zones_of("+18002123456")
    assert {"America/New_York", "America/Los_Angeles", "Pacific/Honolulu"} <= toll_free
    assert not {"Pacific/Guam", "America/Toronto", "America/Jamaica"} & toll_free
    assert zones_of("+12125550123") == {"America/New_York"}
    assert zones_of("+447400123456") == {"Europe/London"}


def test_every_zone_that_a_number_may_have_is_one_that_this_machine_knows() -> None:
    from policy import examples

    for number in examples():
        zones = zones_of(number)
        assert zones, number
        for zone in zones:
            ZoneInfo(zone)


def test_a_day_begins_at_the_called_partys_midnight() -> None:
    at = datetime(2026, 7, 15, 3, 30, tzinfo=UTC)  # half past eleven at night in New York
    assert day_began("+12125550123", at) == datetime(2026, 7, 14, 4, tzinfo=UTC)
    assert day_began("+442071234567", at) == datetime(2026, 7, 14, 23, tzinfo=UTC)


def test_a_refusal_says_what_time_it_is_there() -> None:
    settings = Settings(**EVERYWHERE)
    gate = Gate(settings, settings.persona("desk"))
    verdict = gate.dial("+12125550123", datetime(2026, 1, 15, 4, tzinfo=UTC), attempt=False)
    assert str(verdict) == (
        "it is 23:00 in America/New_York, outside the calling hours of 08:00-21:00 (rule: hours)"
        ", allowed from 2026-01-15T08:00:00-05:00"
    )
    assert verdict.rule is not None
    assert verdict.rule.passes
