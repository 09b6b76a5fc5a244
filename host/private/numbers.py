"""Finds telephone numbers and other runs of digits in a text, and masks them.

What is masked in vain (a size in bytes, a process id) costs little; what is left open costs much.
"""

from __future__ import annotations

import re
import unicodedata

BULLETS = "\N{BULLET}" * 4
"""Stands for what is left out altogether; it does not tell how long that was."""
DOTS = "\N{HORIZONTAL ELLIPSIS}"
"""Stands for the digits of a number between its country code and its last two."""
FEWEST, MOST = 7, 15
"""Digits of a telephone number (ITU-T E.164 has 15 at the most)."""
FEW = 4
"""Digits in a row, as a PIN has them, that are masked in what was said."""

_COUNTRY = re.compile(r"1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|\d{3}", re.ASCII)
"""Country codes (ITU-T E.164, list of assigned codes): no one is the beginning of another."""
_WITHHELD = {"anonymous", "restricted", "private", "unavailable", "unknown"}
"""What callers are called who don't show a number."""

_PLUS = r"(?:[+\uff0b\ufe62]|%2[Bb])"
_BETWEEN = r"[ \t\u00a0\u2007\u2009\u202f().\u2010-\u2015/-]{0,3}"
_BEFORE = r"(?:(?<![^\W_])|(?<=\\[nrt]))"
_AFTER = r"(?![^\W_])"


def _number(fewest: int) -> str:
    """Make the pattern of a number: with a plus it has six digits, without `fewest`, or more."""
    more = rf"(?:{_BETWEEN}\d)"
    return (
        rf"(?P<plus>{_PLUS}{_BETWEEN}\d{more}{{5,}})"
        rf"|(?P<bare>{_BEFORE}\(?\d{more}{{{fewest - 1},}}{_AFTER})"
    )


_TIME = r"[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?"
_MOMENT = rf"(?<!\d)(?:19|20)\d\d-[01]\d-[0-3]\d(?:{_TIME})?(?!\d)"
_UUID = r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"
_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_ADDRESS = rf"(?<![\w.+])(?:{_OCTET}\.){{3}}{_OCTET}(?::\d{{1,5}})?(?![\w.])"
_EPOCH = r"(?<![\w.+])1[5-9]\d{8}\.\d+"
_IN_LOGS = re.compile(rf"{_MOMENT}|{_UUID}|{_ADDRESS}|{_EPOCH}|{_number(FEWEST)}")
_PRICE = r"(?<![\w.+])\d{1,3}\.\d{1,2}(?![\w.])"
_IN_WORDS = re.compile(rf"{_MOMENT}|{_PRICE}|{_number(FEW)}")
_SPOKEN = re.compile(
    r"\b(?:(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple)\b[\s,.-]*){4,}",
    re.IGNORECASE,
)
_CALLER_OF_A_ROOM = re.compile(rf"{_PLUS}\d{{5,}}|(?<=_)\d{{5,}}(?=_)")


def mask_in_logs(text: str, *, numbers: bool = True, digits: bool = True) -> str:
    """Mask `numbers`, and runs of `digits` that are longer than a number."""

    def masked(found: re.Match[str]) -> str:
        return _masked(found, numbers=numbers, digits=digits)

    return _IN_LOGS.sub(masked, text)


def mask_words(text: str, *, numbers: bool = True, digits: bool = True) -> str:
    """Mask `numbers` in what was said or done, and all other `digits` of which four are in a row.

    Dates and prices stay. Of numbers that are spelt in words, English ones are known.
    """

    def masked(found: re.Match[str]) -> str:
        return _masked(found, numbers=numbers, digits=digits)

    def unspelt(found: re.Match[str]) -> str:
        spelt = len(found[0].split())
        hidden = numbers if FEWEST <= spelt <= MOST else digits
        words = found[0]
        return BULLETS + words[len(words.rstrip()) :] if hidden else words

    return _SPOKEN.sub(unspelt, _IN_WORDS.sub(masked, text))


def mask_number(number: str) -> str:
    """Mask who called or was called, whatever they are called: a SIP address has names, too."""
    if number.casefold() in _WITHHELD or DOTS in number:
        return number
    digits = _digits(number)
    return _short(digits, plus=number.startswith("+")) if len(digits) >= FEWEST else DOTS


def mask_room(room: str, number: str | None = None) -> str:
    """Mask the caller in the name of a room; what is random in it stays, so that it is found.

    LiveKit's dispatch rules name rooms `<prefix>_<caller>_<random>`; `number` is the far end's,
    where it is known.
    """
    for known in (number, number.removeprefix("+") if number else None):
        if known and len(known) > 2:
            room = room.replace(known, mask_number(known))
    return _CALLER_OF_A_ROOM.sub(lambda found: mask_number(found[0]), room)


def _masked(found: re.Match[str], *, numbers: bool, digits: bool) -> str:
    text = found["plus"] or found["bare"]
    if text is None:
        return found[0]  # a moment, an address: no number
    run, plus = _digits(text), bool(found["plus"])
    if len(run) > MOST or (len(run) < FEWEST and not plus):
        return BULLETS if digits else found[0]
    return _short(run, plus=plus) if numbers else found[0]


def _short(digits: str, *, plus: bool) -> str:
    country = _COUNTRY.match(digits) if plus else None
    code = f"+{country[0]}" if country else ""
    return f"{code}{DOTS}{digits[-2:]}"


def _digits(text: str) -> str:
    """The digits of a text, in whatever script they are written."""
    plain = text.replace("%2B", "").replace("%2b", "")
    return "".join(str(unicodedata.digit(sign)) for sign in plain if sign.isdecimal())
