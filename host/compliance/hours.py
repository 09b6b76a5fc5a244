"""Calling hours, in the called party's time zone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers import timezone
from phonenumbers.tzdata import TIMEZONE_DATA

from host.base.clock import now
from host.base.e164 import E164
from host.compliance.number import country_of
from host.settings.calling import ALL_DAY

DAYS = 4
"""Days looked ahead: the dates of the world differ by one, and clocks may change meanwhile."""
_OVERLAYS = {
    "448": "850",
    "364": "270",
    "930": "812",
    "458": "541",
    "729": "423",
    "367": "418",
    "581": "418",
    "236": "250",
    "257": "250",
    "672": "250",
    "778": "250",
}
"""Area codes of the same places as an older one with several zones, whose exchanges phonenumbers
lists (NANPA's and CNAC's plans, November 2026)."""


def why_not_now(number: str, hours: str, at: datetime) -> str | None:
    """Return why a number must not be called now, by `hours` like 08:00-21:00; None if it may.

    A number with several possible time zones may be called if the hours allow it in all of them.
    """
    if hours in ("", ALL_DAY):
        return None
    zones = zones_of(number)
    if not zones:
        return "the time zone of the number is unknown"
    begin, end = hours.split("-")
    for zone in sorted(zones):
        there = at.astimezone(ZoneInfo(zone)).strftime("%H:%M")
        if not begin <= there < end:
            return f"it is {there} in {zone}, outside the calling hours of {hours}"
    return None


def when_allowed(number: str, hours: str, at: datetime) -> datetime | None:
    """Return the first time, from `at` on, at which `hours` let a number be called.

    It is in a time zone of the number. None if no time does: the zones are unknown, or too far
    apart for their hours to overlap.
    """
    if why_not_now(number, hours, at) is None:
        return at
    begins = int(hours[:2]), int(hours[3:5])
    mornings = [
        (today + timedelta(days=days)).replace(hour=begins[0], minute=begins[1], fold=0)
        for today in _midnights(number, at)
        for days in range(DAYS)
    ]
    # The hours of all zones together begin when those of one of them do.
    for morning in sorted(mornings, key=lambda each: each.astimezone(UTC)):
        if morning > at and why_not_now(number, hours, morning) is None:
            return morning
    return None


def next_day(number: str, at: datetime) -> datetime:
    """Return when the called party's next day starts, as `day_began` counts days."""
    today = day_began(number, at)
    midnights = [
        midnight + timedelta(days=days)
        for midnight in _midnights(number, at)
        for days in range(1, DAYS)
    ]
    ordered = sorted(midnights, key=lambda each: each.astimezone(UTC))
    return next(each for each in ordered if each > at and day_began(number, each) > today)


def in_a_zone_of(number: str, at: datetime) -> datetime:
    """Return an instant as a clock near the called party shows it; as it is if none is known."""
    zones = sorted(zones_of(number))
    return at.astimezone(ZoneInfo(zones[0])) if zones else at


def time_at(number: str | None) -> datetime:
    """Return the time now where a number is, as far as its zone is known; else the host's."""
    here = now().astimezone()
    return in_a_zone_of(number, here) if number and E164.fullmatch(number) else here


def day_began(number: str, at: datetime) -> datetime:
    """Return the start of the called party's day: the earliest midnight of its time zones."""
    return min(_midnights(number, at))


def _midnights(number: str, at: datetime) -> list[datetime]:
    """Return the last midnight of each possible time zone of a number."""
    zones = [at.astimezone(ZoneInfo(zone)) for zone in zones_of(number)] or [at.astimezone()]
    return [there.replace(hour=0, minute=0, second=0, microsecond=0, fold=0) for there in zones]


def zones_of(number: str) -> frozenset[str]:
    """Return the possible time zones of a number: those of its area, else of its country.

    phonenumbers locates mobile and toll-free numbers by country code only, which several countries
    may share: +1 800 would include Guam, and could never be called.
    """
    zones = frozenset(timezone.time_zones_for_number(phonenumbers.parse(number)))
    zones = (zones | _zones_of_area(number)) - {timezone.UNKNOWN_TIMEZONE}
    country = country_of(number)
    abroad = any(country not in _countries().get(zone, {country}) for zone in zones)
    if country and (abroad or not zones):
        return _zones().get(country, zones)
    return zones


def _zones_of_area(number: str) -> frozenset[str]:
    """Return all zones of a North American area code; none if the number's exchange is known.

    phonenumbers gives an exchange that it does not list one zone of its area alone.
    """
    area, rest = number[2:5], range(len("+1212") + 1, len(number))
    if not number.startswith("+1") or any(number[1:end] in TIMEZONE_DATA for end in rest):
        return frozenset()
    return _zones_by_area().get(_OVERLAYS.get(area, area), frozenset())


@cache
def _zones_by_area() -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for prefix, zones in TIMEZONE_DATA.items():
        if prefix.startswith("1") and len(prefix) >= len("1212"):
            found[prefix[1:4]].update(zones)
    return {area: frozenset(zones) for area, zones in found.items()}


@cache
def _zones() -> Mapping[str, frozenset[str]]:
    """Country to its time zones, from the tz database's zone.tab."""
    table = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text("utf-8")
    lines = [line.split("\t") for line in table.splitlines() if not line.startswith("#")]
    found: dict[str, set[str]] = defaultdict(set)
    for country, _, zone, *_ in lines:
        found[country].add(zone)
    return {country: frozenset(zones) for country, zones in found.items()}


@cache
def _countries() -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for country, zones in _zones().items():
        for zone in zones:
            found[zone].add(country)
    return dict(found)
