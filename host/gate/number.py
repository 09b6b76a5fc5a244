"""What a number is: its country, its type, and what it may cost, as phonenumbers knows it.

phonenumbers is Google's libphonenumber: the numbering plan of every country, from ITU's notices.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import phonenumbers
from phonenumbers import PhoneNumber, PhoneNumberFormat, PhoneNumberType, shortnumberinfo
from phonenumbers.phonenumberutil import region_codes_for_country_code

E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
"""A plus, a country code that has no leading zero, at most 15 digits (ITU-T E.164)."""

_SHORT = re.compile(r"\+?[0-9]{2,6}", re.ASCII)
_PUNCTUATION = re.compile(r"[ ().-]")

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

MOBILE_EMERGENCY = ("112", "911")
"""What every mobile telephone puts through to the police, wherever it is (3GPP TS 22.101)."""


def parse(text: str) -> PhoneNumber | None:
    """Read a number in E.164; None where it is none, or is written in two ways at once."""
    if not E164.fullmatch(text):
        return None
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return None
    return number if e164(number) == text else None


def e164(number: PhoneNumber) -> str:
    """Write a number as it is dialled."""
    return phonenumbers.format_number(number, PhoneNumberFormat.E164)


def as_e164(text: str, neighbour: str | None = None) -> str | None:
    """Write a number in E.164 that is given as people do, or as a neighbour dials it; or None."""
    bare = text if E164.fullmatch(text) else _PUNCTUATION.sub("", text)
    if E164.fullmatch(bare):
        return bare
    if not re.fullmatch(r"[0-9]{7,18}", bare, re.ASCII):
        return None
    try:
        number = phonenumbers.parse(bare, country_of(neighbour) if neighbour else None)
    except phonenumbers.NumberParseException:
        return None
    return e164(number) if phonenumbers.is_valid_number(number) else None


def country_of(text: str) -> str | None:
    """Name the country of a number in E.164 (ISO 3166): of its country code, if of no other."""
    try:
        number = phonenumbers.parse(text)
    except phonenumbers.NumberParseException:
        return None
    if found := phonenumbers.region_code_for_number(number):
        return found
    return next(iter(regions_of_code(number)), None)


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
