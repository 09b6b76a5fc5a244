"""The policy, said a second time without the gate: whose example a number is, and what that costs.

phonenumbers gives examples by country and type. What it was asked for is known, so that nothing has
to be worked out of the number: that is the gate's part, and may be wrong.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from functools import cache

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType, shortnumberinfo
from phonenumbers.phonenumberutil import region_codes_for_country_code

SATELLITES = ("+1600", "+61147", "+62868", "+7954", "+861349")
"""Beginnings of satellite telephones' numbers that phonenumbers gives to a country."""

DEFAULT_TYPES = ("fixed", "mobile", "toll_free", "voip")

NAMES = {
    "fixed": PhoneNumberType.FIXED_LINE,
    "mobile": PhoneNumberType.MOBILE,
    "toll_free": PhoneNumberType.TOLL_FREE,
    "premium": PhoneNumberType.PREMIUM_RATE,
    "shared_cost": PhoneNumberType.SHARED_COST,
    "voip": PhoneNumberType.VOIP,
    "personal": PhoneNumberType.PERSONAL_NUMBER,
    "pager": PhoneNumberType.PAGER,
    "uan": PhoneNumberType.UAN,
    "voicemail": PhoneNumberType.VOICEMAIL,
}


@cache
def examples() -> Mapping[str, Collection[tuple[str, str]]]:
    """Every number that phonenumbers has an example of -> the countries and types it is one of."""
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for country in sorted(phonenumbers.SUPPORTED_REGIONS):
        for name, kind in NAMES.items():
            if number := phonenumbers.example_number_for_type(country, kind):
                text = _e164(number)
                found[text].add((country, name))
                # A range that countries share is the main one's; toll-free +1 is all of theirs.
                if shared := phonenumbers.region_code_for_number(number):
                    found[text].add((shared, name))
                if name == "toll_free" and text.startswith("+1"):
                    nanp = region_codes_for_country_code(1)
                    found[text] |= {(each, name) for each in nanp}
    return found


@cache
def never_allowed() -> Collection[str]:
    """Numbers of no country, numbers that do not exist, and short ones, of every country."""
    found = set()
    for code in phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS:
        number = phonenumbers.example_number_for_non_geo_entity(code)
        assert number is not None, f"phonenumbers has no example of +{code}"
        found.add(_e164(number))
    for country in sorted(phonenumbers.SUPPORTED_REGIONS):
        if number := phonenumbers.invalid_example_number(country):
            found.add(_e164(number))
        code = phonenumbers.country_code_for_region(country)
        for cost in (0, 1, 2, 3):
            if short := shortnumberinfo._example_short_number_for_cost(country, cost):
                found |= {f"+{code}{short}", short}
    for country in sorted(phonenumbers.SUPPORTED_SHORT_REGIONS):
        code = phonenumbers.country_code_for_region(country)
        if short := shortnumberinfo._example_short_number(country):
            found |= {f"+{code}{short}", short}
    return found - set(examples())


def may_be_called(number: str, countries: Collection[str], types: Collection[str]) -> bool:
    """Say whether an example is one of these countries and types, and on the ground."""
    if number.startswith(SATELLITES):
        return False
    kinds = examples().get(number, ())
    return any(country in countries and kind in types for country, kind in kinds)


def _e164(number: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)
