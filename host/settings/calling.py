"""How host.toml says who may be called, and when."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

NumberType = Literal[
    "fixed",
    "mobile",
    "toll_free",
    "voip",
    "uan",
    "personal",
    "shared_cost",
    "premium",
    "pager",
    "voicemail",
]
"""Types of numbers, as phonenumbers tells them apart. A UAN is a company's own number."""

_HOURS = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d-(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)", re.ASCII)


def parted(given: Any) -> Any:
    """A list in an environment variable is parted by commas."""
    if not isinstance(given, str):
        return given
    return [part.strip() for part in given.split(",") if part.strip()]


def _country(code: str) -> str:
    from phonenumbers import SUPPORTED_REGIONS  # takes a while, and most deployments name none

    if code.upper() not in SUPPORTED_REGIONS:
        raise ValueError(f"{code!r} is no country with telephones, as ISO 3166 writes it (US, GB)")
    return code.upper()


def _hours(given: str) -> str:
    if given and not (_HOURS.fullmatch(given) and given[:5] < given[6:]):
        raise ValueError("calling hours are written as 08:00-21:00, and begin before they end")
    return given


def is_sip(text: str) -> bool:
    """Tell whether it is a SIP address rather than a number."""
    return "@" in text or text.lower().startswith(("sip:", "sips:"))


def _denied(pattern: str) -> str:
    """Refuse a number that nobody would ever dial, so that it would deny nothing."""
    import phonenumbers

    if pattern.endswith("*"):
        return pattern
    try:
        number = phonenumbers.parse(pattern)
    except phonenumbers.NumberParseException:
        number = phonenumbers.PhoneNumber()
    dialled = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    possible = phonenumbers.is_possible_number_with_reason(number)
    if dialled != pattern or possible != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise ValueError("it is no whole number as it is dialled; beginnings end with a star")
    return pattern


def written_as(pattern: str, form: str) -> AfterValidator:
    """Refuse text that does not match a pattern, in words and not with the pattern."""
    wanted = re.compile(pattern, re.ASCII)

    def check(text: str) -> str:
        if not wanted.fullmatch(text):
            raise ValueError(f"must be {form}")
        return text

    return AfterValidator(check)


_List = (NoDecode, BeforeValidator(parted))

Countries = Annotated[tuple[Annotated[str, AfterValidator(_country)], ...], *_List]
NumberTypes = Annotated[tuple[NumberType, ...], *_List]
NumberPattern = Annotated[
    str,
    written_as(
        r"\+[1-9][0-9]{0,14}\*?",
        "a number such as +15550001111, or its beginning and a star: +1555*",
    ),
]
"""A number in E.164, or the beginning of numbers and a star."""
NumberPatterns = Annotated[tuple[NumberPattern, ...], *_List]
DeniedNumbers = Annotated[tuple[Annotated[NumberPattern, AfterValidator(_denied)], ...], *_List]
CallingHours = Annotated[str, AfterValidator(_hours)]
"""From when to when, in the called party's own time: 08:00-21:00. Empty is any time."""
ALL_DAY = "00:00-24:00"
Key = Annotated[str, written_as(r"[0-9*#]?", "one key of a telephone: 0 to 9, * or #")]
