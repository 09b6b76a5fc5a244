"""Properties of a number from phonenumbers: country, type and cost.

phonenumbers is Google's libphonenumber: numbering plans of all countries, from ITU's notices.
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
"""Mexican mobile numbers had a 1 after the country code until 2019, and still show it."""

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
"""Premium numbers within North American area codes, which phonenumbers does not recognise:
exchange 976, and directory assistance."""

_SATELLITE = re.compile(r"\+(?:1600|61147|62868|7954|861349)[0-9]+", re.ASCII)
"""Satellite numbers within country codes of Canada, Australia, Indonesia, Russia and China."""

MOBILE_EMERGENCY = ("112", "911")
"""Emergency numbers of every mobile telephone, in any country (3GPP TS 22.101)."""


def parse(text: str) -> PhoneNumber | None:
    """Parse a number in E.164; None if it is invalid or ambiguous."""
    if not E164.fullmatch(text):
        return None
    number = _read(text)
    return number if number and e164(number) == text else None


def e164(number: PhoneNumber) -> str:
    """Format a number in E.164."""
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def as_e164(text: str) -> str | None:
    """Convert a number as people write it, like +44 (0)20 7946 0958, to E.164.

    None without a plus, or with an impossible length for its country. The number need not be in
    use.
    """
    if _NORTH_AMERICAN.fullmatch(text):
        return text  # parsing takes 14 us, and a do-not-call list may have a million numbers
    bare = _OLD_MEXICO.sub("+52", _PUNCTUATION.sub("", text))
    number = _read(bare) if E164.fullmatch(bare) else None
    possible = number and phonenumbers.is_possible_number_with_reason(number)
    return e164(number) if number and possible == ValidationResult.IS_POSSIBLE else None


def meant_by(shown: str, countries: Iterable[str]) -> set[str]:
    """Return the possible numbers, in E.164, behind a caller ID shown in one of `countries`.

    Without a plus it may be international or national: 4722345678 is in Norway or in New York.
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
    """Return the country of a number in E.164 (ISO 3166), by its country code if unclear."""
    number = _read(text)
    if number is None:
        return None
    if found := phonenumbers.region_code_for_number(number):
        return found
    return next(iter(regions_of_code(number)), None)


def countries_of(texts: Iterable[str]) -> frozenset[str]:
    """Return the countries of valid numbers."""
    found = {phonenumbers.region_code_for_number(each) for each in map(parse, texts) if each}
    return frozenset(country for country in found if country in phonenumbers.SUPPORTED_REGIONS)


def regions_of_code(number: PhoneNumber) -> Iterable[str]:
    """Return the countries that share a number's country code, the main one first."""
    regions: Iterable[str] = region_codes_for_country_code(number.country_code or 0)
    return regions


def belongs_to(number: PhoneNumber, countries: Iterable[str]) -> bool:
    """Return whether a number is valid in one of these countries; +1 800 is shared."""
    return any(phonenumbers.is_valid_number_for_region(number, each) for each in countries)


def types_of(number: PhoneNumber) -> set[str]:
    """Return the possible types of a number; empty if unknown."""
    if _NANP_SERVICES.fullmatch(e164(number)):
        return {"premium"}
    return _TYPES.get(phonenumbers.number_type(number), set())


def is_satellite(number: PhoneNumber) -> bool:
    """Return whether a number within a country code is a satellite telephone."""
    return bool(_SATELLITE.fullmatch(e164(number)))


def is_emergency(text: str, regions: Iterable[str] | None = None) -> bool:
    """Return whether a short number is an emergency number, in these regions or in any."""
    if not text.isascii() or not text.isdigit():
        return False
    anywhere = phonenumbers.SUPPORTED_SHORT_REGIONS if regions is None else regions
    return any(shortnumberinfo.is_emergency_number(text, region) for region in anywhere)


def looks_like_emergency(text: str) -> bool:
    """Return whether it is an emergency number, also with a country code."""
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
    """Return whether it is too short for a telephone number."""
    return bool(_SHORT.fullmatch(text))
