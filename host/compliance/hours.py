"""Calling hours: what time it is where somebody is called."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

import phonenumbers
from phonenumbers import timezone

from host.compliance.number import country_of
from host.settings.calling import ALL_DAY


def why_not_now(number: str, hours: str, at: datetime) -> str | None:
    """Say why a number is not called now, by `hours` like 08:00-21:00; None where it may be.

    A number that may be in several time zones is called where it is day in all of them.
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


def day_began(number: str, at: datetime) -> datetime:
    """Say when the called party's day began: the earliest midnight of its time zones."""
    zones = [at.astimezone(ZoneInfo(zone)) for zone in zones_of(number)] or [at.astimezone()]
    return min(there.replace(hour=0, minute=0, second=0, microsecond=0, fold=0) for there in zones)


def zones_of(number: str) -> frozenset[str]:
    """Name the time zones in which a number may be: those of its area, or of its whole country.

    phonenumbers knows mobile and toll-free numbers by their country code alone, which several
    countries may share: +1 800 would be in Guam as well, and never be called.
    """
    zones = frozenset(timezone.time_zones_for_number(phonenumbers.parse(number)))
    zones -= {timezone.UNKNOWN_TIMEZONE}
    country = country_of(number)
    abroad = any(country not in _countries().get(zone, {country}) for zone in zones)
    if country and (abroad or not zones):
        return _zones().get(country, zones)
    return zones


@cache
def _zones() -> Mapping[str, frozenset[str]]:
    """Country -> its time zones, from the time zone database's own table."""
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
