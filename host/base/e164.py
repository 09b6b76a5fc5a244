"""Telephone numbers in E.164, the form used everywhere internally."""

import contextlib
import re
from collections.abc import Iterable

PATTERN = r"\+[1-9][0-9]{6,14}"
"""A plus, a country code without leading zero, 15 digits at most."""
E164 = re.compile(PATTERN, re.ASCII)

EXTENSION = re.compile(r"[0-9]{2,6}", re.ASCII)
"""A number inside of a telephone system, as `1001`: the same wherever it is written."""
_WRITTEN = re.compile(r"[+(0-9][0-9 ()./-]*", re.ASCII)
_PUNCTUATION = re.compile(r"[ ()./-]")


def canonical(text: str, regions: Iterable[str] = ()) -> str | None:
    """Return a number as it is compared: in E.164, or as the extension that it is.

    It may be written as people and trunks do: `+1 (555) 000-1111`, `0015550001111`, `15550001111`,
    and, in one of these regions (ISO 3166), as there: `030 123456`. None if it is no number.
    """
    if E164.fullmatch(text) or EXTENSION.fullmatch(text):
        return text
    text = text.strip()
    if not _WRITTEN.fullmatch(text):
        return None
    digits = _PUNCTUATION.sub("", text)
    import phonenumbers  # takes a while, and most numbers are written in E.164

    international = f"+{digits[2:]}" if digits.startswith("00") else digits
    # Nationally before with its country code but without a plus: so it is dialled at home.
    for region in () if international.startswith("+") else regions:
        try:
            number = phonenumbers.parse(text, region)
        except phonenumbers.NumberParseException:
            continue
        if phonenumbers.is_possible_number(number):
            return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
    international = f"+{international.lstrip('+')}"
    with contextlib.suppress(phonenumbers.NumberParseException):
        # phonenumbers knows that the 0 of +44 (0)20 is not dialled.
        number = phonenumbers.parse(text if text.startswith("+") else international)
        international = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return international if E164.fullmatch(international) else None


def regions_of(numbers: Iterable[str]) -> tuple[str, ...]:
    """Return the countries that numbers in E.164 are of, as ISO 3166 codes; others have none."""
    written = [number for number in numbers if E164.fullmatch(number)]
    if not written:
        return ()
    import phonenumbers

    found: dict[str, None] = {}
    for number in written:
        try:
            region = phonenumbers.region_code_for_number(phonenumbers.parse(number))
        except phonenumbers.NumberParseException:
            continue
        if region:
            found[region] = None
    return tuple(found)
