"""Ways to write a number so that a check and a telephone system may read it differently."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterator
from functools import cache

GOOD = "+12125550123"
"""A number that may be called where it is written so."""
DIGITS = GOOD[1:]


def _words(text: str) -> list[str]:
    return text.split()


BEFORE = (
    *(" ", "\t", "\n", "\r\n", "\x00", "\u00a0", "\u200b", "\u200e", "\u202e", "\u2060", "\ufeff"),
    *_words("tel: TEL: tel:// callto: sip: SIP: sips: sip:+1900@ wtai://wp/mc;"),
    *_words("*67 *82 *69 #31# *31# **21* ##002# * # A 00 011 0011 810 9 9, 9w 0 1 w p , ;"),
    *_words("+ +0 +00 +011 - ( %2B \\ / ../ ${ {{ 0x ' \" <"),
)
AFTER = (
    *(" ", "\t", "\n", "\r", "\x00", "\u200b", "\u202c", "\ufeff", "0000", "00000000"),
    *(";ext=5", ";ext=", ",5", ",,5", "w5", "p5", "x5", "#", "*", "*67", "#31#", ">", "'", '"'),
    *("@evil", "@evil.example", "@127.0.0.1:5060", "@pbx.example;transport=tcp", ";user=phone"),
    *(";phone-context=+1900", ";isub=1", "?To=%2B19005551234", "%00", "%0d%0aVia: x", "&", "|"),
    *("\r\nTo: +19005551234", "\n+19005551234", ",+19005551234", ";+19005551234", " +19005551234"),
)
WHOLE = (
    *("", " ", "+", "++", "+1", "+0", "0", "anonymous", "None", "null", "nan", "1e10", "1" * 400),
    *_words("911 112 999 000 +1911 +44999 9911 9-1-1 411 611 12345 116117 +49116117"),
    *("+1 212 555 0123", "+1-212-555-0123", "+1.212.555.0123", "+1(212)5550123", "(212) 555-0123"),
    *_words("2125550123 12125550123 0012125550123 01112125550123 +012125550123"),
    *_words("+1212555O123 +l2125550123 +I2125550123 +4401212345678"),
    *("\uff0b12125550123", "\u207a12125550123", "+1\u00b2125550123", "+1\u2460125550123"),
    *_words("sip:bob@evil.example bob@evil.example sips:+19005551234@carrier sip:+12125550123"),
    # In E.164, and forbidden to a host that calls the United States, Britain and Germany
    *_words("+19005551234 +19762345678 +12129761234 +12125551212 +18765551234 +18095551234"),
    *_words("+12684601234 +14412951234 +881612345678 +8823421234 +883510012345 +870301234567"),
    *_words("+979123456789 +80012345678 +80812345678 +88812345678901 +447012345678"),
    *_words("+449012345678 +448451234567 +53512345678 +37122345678 +2522345678 +441481256789"),
)


def zeros() -> Iterator[str]:
    """The zero of every script that has digits of its own; int() takes them all for numbers."""
    for code in range(128, sys.maxunicode):
        if unicodedata.decimal(chr(code), None) == 0:
            yield chr(code)


@cache
def tricks() -> list[str]:
    """Every trick, none of which is a number that may be dialled."""
    scripts = [chr(ord(zero) + int(each)) for zero in zeros() for each in DIGITS]
    in_scripts = ["".join(scripts[at : at + 11]) for at in range(0, len(scripts), 11)]
    return list(
        dict.fromkeys(
            [
                *(f"{each}{GOOD}" for each in BEFORE),
                *(f"{each}{DIGITS}" for each in BEFORE if each != "+"),
                *(f"{GOOD}{each}" for each in AFTER),
                *(
                    f"{GOOD[:6]}{each}{GOOD[6:]}"
                    for each in (*BEFORE[:11], "-", ".", "w", ",", "p")
                ),
                *(f"+{each}" for each in in_scripts),
                *(f"+1212555012{each[-1]}" for each in in_scripts),
                *WHOLE,
            ]
        )
    )
