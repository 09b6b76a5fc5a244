"""Finds and masks telephone numbers and other runs of digits in a text.

False positives, such as a size in bytes or a process id, are cheap; misses are not.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

BULLETS = "\N{BULLET}" * 4
"""Replaces masked text, without revealing its length."""
DOTS = "\N{HORIZONTAL ELLIPSIS}"
"""Replaces the digits between a number's country code and its last two digits."""
FEWEST, MOST = 7, 15
"""Digits of a telephone number (ITU-T E.164: at most 15)."""
SHORTEST_ROW = 3
"""Minimum digits of a private number that is masked on its own, a card's security code."""
FEW = 4
"""Minimum run of digits, such as a PIN, that is masked in speech."""

_COUNTRY = re.compile(r"1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|\d{3}", re.ASCII)
"""Country codes (ITU-T E.164, list of assigned codes); none is a prefix of another."""
_WITHHELD = {"anonymous", "restricted", "private", "unavailable", "unknown"}
"""Values shown for a withheld number."""

_PLUS = r"(?:[+\uff0b\ufe62]|%(?:25)?2[Bb]|\\x2[Bb]|\\u002[Bb])"
_ESCAPED = r"(?:%[\dA-Fa-f]{2}|\\x[\dA-Fa-f]{2}|\\u[\dA-Fa-f]{4})"
"""One escaped character of a URL, `repr` or JSON, such as `%20`."""
_NO_DIGITS = re.compile(f"{_PLUS}|{_ESCAPED}")
_SIGNS = r" \t\u00a0\u2007\u2009\u202f().+\u2010-\u2015/-"
_LOW_LINE = r"_(?=\d++(?![^\W_]))"
"""Not before the random part of a room name, in which letters follow the digits."""
_BETWEEN = rf"(?:[{_SIGNS}]|{_ESCAPED}|{_LOW_LINE}){{0,3}}"
_BETWEEN_WORDS = _BETWEEN.replace("[", "[,", 1)
_BEFORE = (
    r"(?:(?<![^\W_])(?<!%)|(?<=\\[nrt])"
    r"|(?<=%[\dA-Fa-f]{2})|(?<=%25[\dA-Fa-f]{2})|(?<=\\x[\dA-Fa-f]{2})|(?<=\\u[\dA-Fa-f]{4}))"
)
_AFTER = r"(?:(?![^\W_])|(?=(?i:x|ext)[.:\s]?\d))"


def _with_plus(between: str) -> str:
    """Return the pattern of a number with a plus: six digits or more."""
    return rf"(?P<plus>{_PLUS}{between}\d(?:{between}\d){{5,}})"


_TIME = r"[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?"
_MOMENT = rf"(?<!\d)(?:19|20)\d\d-[01]\d-[0-3]\d(?:{_TIME})?(?!\d)"
_UUID = r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"
_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_ADDRESS = rf"(?<![\w.+])(?:{_OCTET}\.){{3}}{_OCTET}(?::\d{{1,5}})?(?![\w.])"
_EPOCH = r"(?<![\w.+])1[5-9]\d{8}\.\d+"
_IN_LOGS = re.compile(
    rf"{_MOMENT}|{_UUID}|{_ADDRESS}|{_EPOCH}|{_with_plus(_BETWEEN)}"
    rf"|(?P<bare>{_BEFORE}\(?\d(?:{_BETWEEN}\d){{{FEWEST - 1},}}{_AFTER})"
)
_CLOCK = r"(?<![\d:])\d{1,2}:\d\d(?![\d:])"
_PRICE = r"(?<![\d.,+])\d{1,3}(?:(?:,\d{3})+(?:\.\d{1,2})?|\.\d{1,2})(?!\d|[.,]\d)"
_EXEMPT = rf"{_MOMENT}|{_CLOCK}|{_PRICE}"
_IN_WORDS = re.compile(
    rf"{_EXEMPT}|{_with_plus(_BETWEEN_WORDS)}|(?P<bare>\(?\d(?:{_BETWEEN_WORDS}\d){{{FEW - 1},}})"
)
_SPELT = re.sub(
    r"\s+",
    "|",
    """
    zero oh one two three four five six seven eight nine double triple
    null eins zwei zwo drei vier fünf sechs sieben acht neun
    cero uno dos tres cuatro cinco seis siete ocho nueve
    zéro un deux trois quatre cinq six sept huit neuf
    """.strip(),
)
_DIGIT = rf"(?:(?:{_SPELT})\b|(?!{_EXEMPT})\d++)"
_SPOKEN = re.compile(
    rf"{_EXEMPT}|(?P<run>(?<![^\W_]){_DIGIT}(?:[\s,.-]{{1,4}}{_DIGIT})+)", re.IGNORECASE
)
_ZEROS = (0x30, 0x660, 0x6F0, 0x966, 0x9E6, 0xE50, 0xFF10)
"""The digit 0 in ASCII, Arabic-Indic, Persian, Devanagari, Bengali, Thai and full width."""
_APART = rf"(?:{_ESCAPED}|[\W_]){{0,8}}+"
"""What a list, a table or a form puts between the digits of one number."""
_MASKED = re.compile(rf"(?:\+\d{{1,3}})?{DOTS}(?:\d\d)?(?:~[a-z]+)?", re.ASCII)
"""An already masked number, with its pseudonym if it has one."""
_ROW = re.compile(rf"(?<!\d)\d{{{SHORTEST_ROW},}}", re.ASCII)
_CALLER_OF_A_ROOM = re.compile(rf"{_PLUS}\d{{5,}}|(?<=_)\d{{5,}}(?=_)")
_AT_THE_END = re.compile(rf"(?<![^\W_])\d{{{FEWEST},{MOST}}}\Z")


def mask_in_logs(text: str, *, numbers: bool = True, digits: bool = True) -> str:
    """Mask `numbers`, and runs of `digits` longer than a number."""

    def masked(found: re.Match[str]) -> str:
        return _masked(found, numbers=numbers, digits=digits)

    return _IN_LOGS.sub(masked, text)


def mask_pressed(text: str, pressed: Iterable[str]) -> str:
    """Mask digits that were `pressed` in sequence: four or more, or all three of a sequence."""
    rows = [row for row in pressed if len(row) >= SHORTEST_ROW]

    def hidden(found: re.Match[str]) -> str:
        digits = found[0]
        known = digits in rows or (len(digits) >= FEW and any(digits in row for row in rows))
        return BULLETS if known else digits

    return _ROW.sub(hidden, text) if rows else text


def mask_known(text: str, numbers: Iterable[str]) -> str:
    """Mask these telephone numbers, whatever stands around and between their digits."""
    for number in numbers:
        if pattern := _spellings_of(number):
            shown = mask_number(number)
            text = pattern.sub(shown, text)
    return text


@lru_cache(maxsize=64)
def _spellings_of(number: str) -> re.Pattern[str] | None:
    """Return the pattern of a number, with or without its first digits; None if it is short."""
    digits = _digits(number)
    if len(digits) < FEWEST:
        return None
    before = f"{_PLUS}?"
    for digit in digits[:-FEWEST]:
        before = f"(?:{before}{_in_any_script(digit)}{_APART})?"
    return re.compile(before + _APART.join(map(_in_any_script, digits[-FEWEST:])))


def mask_run(text: str, digits: str) -> str:
    """Mask one run of digits, whatever stands around and between them."""
    return _run_of(digits).sub(BULLETS, text) if len(digits) >= SHORTEST_ROW else text


@lru_cache(maxsize=64)
def _run_of(digits: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\d){_APART.join(map(_in_any_script, digits))}(?!\d)")


def _in_any_script(digit: str) -> str:
    """Return the pattern of a digit in any of these scripts."""
    return "[" + "".join(chr(zero + int(digit)) for zero in _ZEROS) + "]"


def mask_words(text: str, *, numbers: bool = True, digits: bool = True) -> str:
    """Mask `numbers` in speech, and all other runs of four or more `digits`.

    Dates, times and prices stay. Spelt digits are recognised in English, German, Spanish and
    French.
    """

    def masked(found: re.Match[str]) -> str:
        return _masked(found, numbers=numbers, digits=digits)

    def unspelt(found: re.Match[str]) -> str:
        signs = re.split(r"[\s,.-]+", found["run"] or "")
        count = sum(len(sign) if sign.isdecimal() else 1 for sign in signs)
        if count < FEW or all(sign.isdecimal() for sign in signs):
            return found[0]
        return BULLETS if (numbers if FEWEST <= count <= MOST else digits) else found[0]

    return _IN_WORDS.sub(masked, _SPOKEN.sub(unspelt, text))


def mask_number(number: str) -> str:
    """Mask a caller or callee, also a SIP address with a name."""
    if number.casefold() in _WITHHELD or _MASKED.fullmatch(number):
        return number
    digits = _digits(number)
    return _short(digits, plus=number.startswith("+")) if len(digits) >= FEWEST else DOTS


def mask_room(room: str, number: str | None = None) -> str:
    """Mask the caller in a room's name; the random part stays, so that the room can be found.

    LiveKit's dispatch rules name rooms `<prefix>_<caller>_<random>`. `number` is the far end's;
    without it, digits at the end of the name are masked.
    """
    for known in (number, number.removeprefix("+") if number else None):
        if known and len(known) > 2:
            room = room.replace(known, mask_number(known))
    if not number:
        room = _AT_THE_END.sub(lambda found: mask_number(found[0]), room)
    return _CALLER_OF_A_ROOM.sub(lambda found: mask_number(found[0]), room)


def _masked(found: re.Match[str], *, numbers: bool, digits: bool) -> str:
    text = found["plus"] or found["bare"]
    if text is None:
        return found[0]  # a timestamp or an IP address
    run, plus = _digits(text), bool(found["plus"])
    if len(run) > MOST or (len(run) < FEWEST and not plus):
        return BULLETS if digits else found[0]
    return _short(run, plus=plus) if numbers else found[0]


def _short(digits: str, *, plus: bool) -> str:
    country = _COUNTRY.match(digits) if plus else None
    code = f"+{country[0]}" if country else ""
    return f"{code}{DOTS}{digits[-2:]}"


def _digits(text: str) -> str:
    """Return the digits of a text, in any script, as ASCII."""
    plain = _NO_DIGITS.sub("", text)
    return "".join(str(unicodedata.digit(sign)) for sign in plain if sign.isdecimal())
