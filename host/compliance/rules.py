"""The number rules: which numbers may be dialled at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import phonenumbers
from phonenumbers import PhoneNumber, shortnumberinfo

from host.base.e164 import E164
from host.compliance import number as numbers
from host.compliance.verdict import Rule, Verdict, refuse
from host.settings import is_sip

NANP = 1
"""The country code shared by North America and the Caribbean."""
MAINLAND = ("US", "CA")
NO_COUNTRY = "001"
"""phonenumbers' region for a country code without a country (UN M.49: the world)."""


@dataclass(frozen=True)
class NumberRules:
    """The numbers that one persona may dial."""

    countries: frozenset[str]
    types: frozenset[str]
    allowed: Sequence[str] = ()
    """Numbers, or prefixes with a star, that are allowed regardless of country and type."""
    denied: Sequence[str] = ()
    named: frozenset[str] = frozenset()
    """SIP URIs named in host.toml."""

    def judge(self, text: str) -> Verdict:
        """Judge any text that is requested to be dialled."""
        if is_sip(text):
            return self._address(text)
        if numbers.looks_like_emergency(text):
            return refuse(Rule.EMERGENCY, "the number is an emergency number")
        if numbers.looks_like_short_code(text):
            return refuse(Rule.SHORT_CODE, "the number is too short for a telephone number")
        if not E164.fullmatch(text):
            return refuse(Rule.NOT_E164, "the number is not in E.164 format, like +15550001111")
        number = numbers.parse(text)
        if number is None:
            return refuse(Rule.INVALID, "the country code does not exist, or is malformed")
        if service := _service(number):
            return refuse(*service, text)
        if covered(text, self.denied):
            return refuse(Rule.DENIED, "the number is in deny_numbers", text)
        if covered(text, self.allowed):
            return Verdict(True, text, None, "the number is in allow_numbers")
        return self._known(number, text)

    def _known(self, number: PhoneNumber, text: str) -> Verdict:
        code = number.country_code or 0
        if phonenumbers.region_code_for_country_code(code) == NO_COUNTRY:
            what = f"+{code} is shared by satellite telephones and international services"
            return refuse(Rule.SATELLITE, what, text)
        if numbers.is_satellite(number):
            return refuse(Rule.SATELLITE, "the number is that of a satellite telephone", text)
        if not phonenumbers.is_valid_number(number):
            return refuse(Rule.INVALID, "the number does not exist", text)
        country = phonenumbers.region_code_for_number(number)
        if not numbers.belongs_to(number, self.countries):
            return refuse(*self._abroad(country), text)
        types = numbers.types_of(number)
        if not types & self.types:
            what = f"numbers of type {' or '.join(sorted(types)) or 'unknown'} are not allowed"
            return refuse(Rule.TYPE, what, text)
        return Verdict(True, text, None, f"the number is in an allowed country, {country}")

    def _abroad(self, country: str | None) -> tuple[Rule, str]:
        if not self.countries:
            what = "no country is allowed: countries is empty, and our own numbers imply none"
            return Rule.COUNTRY, what
        what = f"{country} is not one of the allowed countries"
        return (Rule.CARIBBEAN if is_caribbean(country) else Rule.COUNTRY), what

    def _address(self, text: str) -> Verdict:
        if as_uri(text) in self.named:
            reason = "the address is a transfer target in host.toml"
            return Verdict(True, None, None, reason, address=text)
        return refuse(Rule.SIP_URI, "the SIP address is not in host.toml")


def _service(number: PhoneNumber) -> tuple[Rule, str] | None:
    """Return the rule against a short number that is written with a country code.

    Some networks connect an emergency number as soon as they have its digits, whatever follows. A
    number that exists may begin with the same digits.
    """
    national = phonenumbers.national_significant_number(number)
    regions = list(numbers.regions_of_code(number))
    if numbers.is_emergency(national, regions):
        return Rule.EMERGENCY, "the number is an emergency number"
    begins = (national[:length] for length in range(3, len(national)))
    exists = phonenumbers.is_valid_number(number)
    if not exists and any(numbers.is_emergency(each, regions) for each in begins):
        return Rule.EMERGENCY, "the number begins with an emergency number"
    if shortnumberinfo.is_valid_short_number(number):
        return Rule.SHORT_CODE, "the number is a short code"
    return None


def covered(number: str, patterns: Iterable[str]) -> bool:
    """Return whether a number is in the list, or starts with one of its prefixes with a star."""
    return any(
        number.startswith(each[:-1]) if each.endswith("*") else number == each for each in patterns
    )


def is_caribbean(country: str | None) -> bool:
    """Return whether a country shares +1 and is neither the United States nor Canada."""
    return country not in MAINLAND and phonenumbers.country_code_for_region(country or "") == NANP


def as_uri(target: str) -> str:
    """Return a transfer target with LiveKit's scheme, tel: or sip:, in lower case."""
    scheme, colon, rest = target.partition(":")
    if colon and scheme.lower() in ("tel", "sip", "sips"):
        return f"{scheme.lower()}:{rest}"
    return f"sip:{target}" if is_sip(target) else f"tel:{target}"
