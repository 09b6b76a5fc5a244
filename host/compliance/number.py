"""What a number is: its country, its type, and what it may cost, as phonenumbers knows it.

phonenumbers is Google's libphonenumber: the numbering plan of every country, from ITU's notices.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable

import phonenumbers
from phonenumbers import (
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberType,
    ValidationResult,
    shortnumberinfo,
)
from phonenumbers.phonenumberutil import region_codes_for_country_code

from host.base.e164 import E164

_SHORT = re.compile(r"\+?[0-9]{2,6}", re.ASCII)
_DIGITS = re.compile(r"[0-9]{7,18}", re.ASCII)
_PUNCTUATION = re.compile(r"[ ().-]")
_NORTH_AMERICAN = re.compile(r"\+1(?:[2-9][0-9]{2}){2}[0-9]{4}", re.ASCII)
_OLD_MEXICO = re.compile(r"^\+521(?=[0-9]{10}$)", re.ASCII)
"""Mexican mobiles had a 1 behind the country code until 2019, and still show it."""

_TYPES = {
    PhoneNumberType.FIXED_LINE: {"fixed"},
    PhoneNumberType.MOBILE: {"mobile"},
    PhoneNumberType.FIXED_LINE_OR_MOBILE: {"fixed", "mobile"},
    PhoneNumberType.TOLL_FREE: {"toll_free"},
    PhoneNumberType.PREMIUM_RATE: {"premium"},
    PhoneNumberType.SHARED_COST: {"shared_cost"},
    PhoneNumberType.VOIP: {"voip"},
    PhoneNumberType.PERSONAL_NUMBER: {"personal"},
    PhoneNumberType.PAGER: {"pager"},
    PhoneNumberType.UAN: {"uan"},
    PhoneNumberType.VOICEMAIL: {"voicemail"},
}
_NANP_SERVICES = re.compile(r"\+1[2-9][0-9]{2}(?:976[0-9]{4}|5551212)", re.ASCII)
"""Premium numbers that North America has within its areas, which phonenumbers takes for telephones:
exchange 976, and directory assistance."""

_SATELLITE = re.compile(r"\+(?:1600|61147|62868|7954|861349)[0-9]+", re.ASCII)
"""Satellite telephones that have numbers of a country: of Canada, Australia, Indonesia, Russia and
China."""

MOBILE_EMERGENCY = ("112", "911")
"""What every mobile telephone puts through to the police, wherever it is (3GPP TS 22.101)."""


def parse(text: str) -> PhoneNumber | None:
    """Read a number in E.164; None where it is none, or is written in two ways at once."""
    if not E164.fullmatch(text):
        return None
    number = _read(text)
    return number if number and e164(number) == text else None


def e164(number: PhoneNumber) -> str:
    """Write a number as it is dialled."""
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def as_e164(text: str) -> str | None:
    """Write a number as it is dialled that is written as people do, like +44 (0)20 7946 0958.

    None where it is none: it has no plus, or more or fewer digits than any number of its country.
    It need not be in use.
    """
    if _NORTH_AMERICAN.fullmatch(text):
        return text  # to read it takes 14 us, and a do-not-call list may have a million of them
    bare = _OLD_MEXICO.sub("+52", _PUNCTUATION.sub("", text))
    number = _read(bare) if E164.fullmatch(bare) else None
    possible = number and phonenumbers.is_possible_number_with_reason(number)
    return e164(number) if number and possible == ValidationResult.IS_POSSIBLE else None


def meant_by(shown: str, countries: Iterable[str]) -> set[str]:
    """Give the numbers in E.164 that a telephone may have which shows this to one of `countries`.

    Without a plus it may be a whole number, and one within a country too: 4722345678 is a telephone
    in Norway, or in New York.
    """
    bare = _PUNCTUATION.sub("", shown)
    if bare.startswith("+"):
        return {number for number in (as_e164(bare),) if number}
    if not _DIGITS.fullmatch(bare):
        return set()
    readings = (_read(f"+{bare}"), *(_read(bare, country) for country in countries))
    return {e164(each) for each in readings if each and phonenumbers.is_valid_number(each)}


def _read(text: str, country: str | None = None) -> PhoneNumber | None:
    with contextlib.suppress(phonenumbers.NumberParseException):
        return phonenumbers.parse(text, country)
    return None


def country_of(text: str) -> str | None:
    """Name the country of a number in E.164 (ISO 3166): of its country code, if of no other."""
    number = _read(text)
    if number is None:
        return None
    if found := phonenumbers.region_code_for_number(number):
        return found
    return next(iter(regions_of_code(number)), None)


def countries_of(texts: Iterable[str]) -> frozenset[str]:
    """Name the countries of numbers that are in a numbering plan."""
    found = {phonenumbers.region_code_for_number(each) for each in map(parse, texts) if each}
    return frozenset(country for country in found if country in phonenumbers.SUPPORTED_REGIONS)


def regions_of_code(number: PhoneNumber) -> Iterable[str]:
    """Name the countries that share a number's country code, the main one first."""
    regions: Iterable[str] = region_codes_for_country_code(number.country_code or 0)
    return regions


def belongs_to(number: PhoneNumber, countries: Iterable[str]) -> bool:
    """Tell whether a number is one of these countries'; some are shared, as +1 800."""
    return any(phonenumbers.is_valid_number_for_region(number, each) for each in countries)


def types_of(number: PhoneNumber) -> set[str]:
    """Name a number's types, of which one has to be allowed; none where nobody knows."""
    if _NANP_SERVICES.fullmatch(e164(number)):
        return {"premium"}
    return _TYPES.get(phonenumbers.number_type(number), set())


def is_satellite(number: PhoneNumber) -> bool:
    """Tell whether a number of a country is a satellite telephone's."""
    return bool(_SATELLITE.fullmatch(e164(number)))


def is_emergency(text: str, regions: Iterable[str] | None = None) -> bool:
    """Tell whether a short number calls for help, in these countries or in any."""
    if not text.isascii() or not text.isdigit():
        return False
    anywhere = phonenumbers.SUPPORTED_SHORT_REGIONS if regions is None else regions
    return any(shortnumberinfo.is_emergency_number(text, region) for region in anywhere)


def looks_like_emergency(text: str) -> bool:
    """Tell whether it is an emergency number, also behind a country code."""
    if not _SHORT.fullmatch(text):
        return False
    digits = text.removeprefix("+")
    if is_emergency(digits):
        return True
    splits = ((digits[:length], digits[length:]) for length in (1, 2, 3))
    return text.startswith("+") and any(
        is_emergency(rest, region_codes_for_country_code(int(code)))
        for code, rest in splits
        if rest
    )


def looks_like_short_code(text: str) -> bool:
    """Tell whether it is too short for a telephone: a service's number."""
    return bool(_SHORT.fullmatch(text))
