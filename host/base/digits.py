"""Finds digits in speech: figures, and the words for 0 to 99 in English, German, Spanish, French.

A table, because the STT returns figures as a rule: words are what it leaves of short numbers.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache

Numbers = Mapping[tuple[str, ...], str]
"""Digits by the words for them, without accents."""

_TIMES = {"double": 2, "doble": 2, "doppel": 2, "triple": 3}
"""How often the digit that follows is meant."""
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*|\d+")
_JOINS = re.compile(r"[\s,.;:()/\u2010-\u2015-]*", re.ASCII)
"""What stands between the digits of one number."""
_ENGLISH = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_ENGLISH_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_GERMAN = (
    "null eins zwei drei vier funf sechs sieben acht neun zehn elf zwolf dreizehn vierzehn "
    "funfzehn sechzehn siebzehn achtzehn neunzehn"
)
_GERMAN_TENS = "zwanzig dreissig vierzig funfzig sechzig siebzig achtzig neunzig"
_SPANISH = (
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince "
    "dieciseis diecisiete dieciocho diecinueve veinte veintiuno veintidos veintitres veinticuatro "
    "veinticinco veintiseis veintisiete veintiocho veintinueve"
)
_SPANISH_TENS = "treinta cuarenta cincuenta sesenta setenta ochenta noventa"
_FRENCH = (
    "zero un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize"
)
_FRENCH_TENS = "vingt trente quarante cinquante soixante"


def digits_in(text: str, language: str | None = None) -> list[str]:
    """Return the runs of digits in an utterance: `["4711"]` for "it is 47, one one".

    `language` is a BCP 47 tag. One without a table has figures only; None has all languages.
    """
    numbers = _numbers_of(language.partition("-")[0].lower() if language else None)
    return [*_runs(text, numbers)]


def _runs(text: str, numbers: Numbers) -> Iterator[str]:
    words = [*_WORD.finditer(text)]
    run, at, end = "", 0, 0
    while at < len(words):
        used, digits = _number_at(words, at, numbers)
        if not digits or (run and not _JOINS.fullmatch(text, end, words[at].start())):
            if run:
                yield run
            run = ""
        if digits:
            run += digits
        at += used
        end = words[at - 1].end()
    if run:
        yield run


def _number_at(
    words: list[re.Match[str]], at: int, numbers: Numbers, times: int = 1
) -> tuple[int, str]:
    """Return how many words a number at `at` takes, and its digits; one word and "" for none."""
    word = _plain(words[at][0])
    if word.isdecimal():
        return 1, word * times
    if word in _TIMES and times == 1 and at + 1 < len(words):
        used, digits = _number_at(words, at + 1, numbers, _TIMES[word])
        return (used + 1, digits) if digits else (1, "")
    for length in (4, 3, 2, 1):
        phrase = tuple(_plain(each[0]) for each in words[at : at + length])
        if len(phrase) == length and phrase in numbers:
            return length, numbers[phrase] * times
    return 1, ""


def _plain(word: str) -> str:
    """Return a word in lower case without accents, and figures of any script as ASCII."""
    if word.isdecimal():
        return "".join(str(unicodedata.digit(sign)) for sign in word)
    apart = unicodedata.normalize("NFKD", word.casefold())
    return "".join(sign for sign in apart if not unicodedata.combining(sign))


@cache
def _numbers_of(language: str | None) -> Numbers:
    tables = {"en": _english, "de": _german, "es": _spanish, "fr": _french}
    if language is None:
        return {words: digits for table in tables.values() for words, digits in table().items()}
    return tables[language]() if language in tables else {}


def _english() -> Numbers:
    table = _listed(_ENGLISH) | {("oh",): "0", ("o",): "0"}
    return table | _with_tens(_ENGLISH_TENS, 2, _ENGLISH, "{ten} {unit}")


def _german() -> Numbers:
    table = _listed(_GERMAN) | {("zwo",): "2", ("fuenf",): "5", ("zwoelf",): "12"}
    units = _GERMAN.replace("eins", "ein")
    return table | _with_tens(_GERMAN_TENS, 2, units, "{unit}und{ten}")


def _spanish() -> Numbers:
    table = _listed(_SPANISH) | {("un",): "1", ("una",): "1", ("veintiun",): "21"}
    return table | _with_tens(_SPANISH_TENS, 3, _SPANISH, "{ten} y {unit}")


def _french() -> Numbers:
    table = _listed(_FRENCH) | _with_tens(_FRENCH_TENS, 2, _FRENCH, "{ten} {unit}")
    counted: dict[tuple[str, ...], str] = _listed(_FRENCH)
    for digit, unit in ((7, "sept"), (8, "huit"), (9, "neuf")):
        counted["dix", unit] = f"1{digit}"
    for words, digits in counted.items():
        if len(digits) == 2:  # 70 to 79 and 90 to 99 count on from 60 and 80
            table["soixante", *words] = f"7{digits[1]}"
            table["quatre", "vingt", *words] = f"9{digits[1]}"
            table[words] = digits
        elif digits != "0":
            table["quatre", "vingt", *words] = f"8{digits}"
    table["quatre", "vingts"] = table["quatre", "vingt"] = "80"
    for ten, digit in (("vingt", 2), ("trente", 3), ("quarante", 4), ("cinquante", 5)):
        table[ten, "et", "un"] = f"{digit}1"
    table["soixante", "et", "un"], table["soixante", "et", "onze"] = "61", "71"
    return table


def _listed(words: str) -> dict[tuple[str, ...], str]:
    return {(word,): str(number) for number, word in enumerate(words.split())}


def _with_tens(tens: str, first: int, units: str, form: str) -> dict[tuple[str, ...], str]:
    """Return the tens, the first of which is `first`, alone and with the units 1 to 9."""
    table: dict[tuple[str, ...], str] = {}
    for digit, ten in enumerate(tens.split(), first):
        table[ten,] = f"{digit}0"
        for unit, word in enumerate(units.split()[:10]):
            if unit:
                table[*form.format(ten=ten, unit=word).split(),] = f"{digit}{unit}"
    return table
