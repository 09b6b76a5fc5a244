"""Judges keys that could dial a number, in case the far end provides an outside line.

A menu can't be told from a dial tone by its sound, so keys are read as a telephone system might
read them: a number may begin at any key, with or without a prefix for an outside line.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator, Sequence

import phonenumbers

from host.compliance import number as numbers
from host.compliance.rules import NANP, NumberRules
from host.compliance.verdict import Rule, Verdict, refuse

FORGOTTEN = 20.0
"""Seconds after which a telephone system no longer waits for the rest of a number."""
OUTSIDE_LINE = ("9", "0")
"""Prefixes for an outside line on nearly all telephone systems."""
INTERNATIONAL = ("00", "011")
"""International prefixes: ITU's, and North America's."""
SHORTEST = 7
"""Minimum number of digits that is judged as a number."""
LONGEST_HELP = 6
"""Digits of the longest emergency number, outside-line prefix included."""
LOOK_BACK = 32
"""Maximum number of digits to look back for a number's start: longer than any with prefixes."""
SERVICE_CODES = tuple(
    map(
        re.compile,
        (
            *(r"\*\d{2}", r"\*\d{3}", r"11\d{2}", r"11\d{3}", r"101\d{4}"),
            *("141", "1470", "1280", r"010\d{2}", r"0100\d{2}"),
        ),
    )
)
"""Service codes that precede a number: *67 hides the caller ID in North America, 1167 does on
rotary lines; 1010288 selects a carrier; 141 and 1470 are Britain's *67 and *82. Britain's 1280, and
Germany's 01013 and 010088, select a carrier, too.
"""
_LONGEST_CODE = 7
_PAUSE, _STAR = ",", "*"
_ENDS = re.compile("[*#A-D]")
_FOURTH_ROW = re.compile("[A-D]")
"""Keys A to D, which most receivers ignore: to them 9A1A1 is 911; others end the number there."""
_DEAR_IN_NORTH_AMERICA = re.compile(r"[90]1?(?:411|5551212|976[0-9]{4})", re.ASCII)
_DEAR_IN_GERMANY = re.compile(r"[90]118[0-9]{2,3}", re.ASCII)
_DEAR_ELSEWHERE = re.compile(r"9118[0-9]{2,3}", re.ASCII)
"""Directory assistance and 976 behind an outside line. 0118 is excluded: Reading or Turin."""


class KeyRules:
    """Judges the keys of one call before they are sent."""

    def __init__(
        self,
        rules: NumberRules,
        far_end: str | None,
        ours: str | None = None,
        *,
        rung: bool = False,
    ) -> None:
        """Take the number rules and the far end's number, which implies its country.

        If the far end called us (`rung`), its number may be forged, so the country of our own
        number and all allowed countries apply as well.
        """
        self._rules = rules
        known = map(numbers.country_of, filter(None, (far_end, ours if rung else None)))
        self._countries = frozenset(filter(None, known)) | (
            rules.countries if rung else frozenset()
        )
        self._run, self._heard, self._last = "", "", 0.0
        self._dear = {_dear_in(country) for country in self._countries or [None]}
        self._judged: dict[str, Rule | None] = {}

    def judge(self, presses: Sequence[str | float]) -> Verdict:
        """Judge keys and pauses in seconds, in the context of the keys sent before."""
        self._forget()
        written = "".join(each if isinstance(each, str) else _PAUSE for each in presses)
        readings = [(self._run, written), (self._heard, _FOURTH_ROW.sub("", written))]
        for run, keys in dict.fromkeys(readings):
            for what in self._would_dial(run, keys):
                return refuse(Rule.KEYS, f"the keys could dial {what} on an outside line")
        return Verdict(True, None, None, "the keys could dial no blocked number")

    def _would_dial(self, run: str, keys: str) -> Iterator[str]:
        """Yield what keys could dial after the keys of a run."""
        before = _latest(_groups(run))
        for part in re.split(f"(?={_ENDS.pattern})", keys):
            if _ENDS.match(part):
                before = []
            for group in _groups(_begin_anew(part)):
                yield from self._could_dial(before, group)
                before = _latest([*before, group])

    def pressed(self, key: str) -> None:
        """Remember a key that was sent."""
        self._forget()
        self._run = _after(self._run, key)
        if not _FOURTH_ROW.fullmatch(key):
            self._heard = _after(self._heard, key)
        self._last = time.monotonic()

    def paused(self) -> None:
        """Remember a pause, after which a number may begin."""
        self._run += _PAUSE
        self._heard += _PAUSE

    def _forget(self) -> None:
        if time.monotonic() - self._last > FORGOTTEN:
            self._run = self._heard = ""

    def _could_dial(self, before: Sequence[str], group: str) -> Iterator[str]:
        """Yield what digits could dial, alone or as the rest of earlier digits."""
        for at in range(len(before) + 1):
            run = "".join(before[at:])
            if self._calls_for_help(run, group):
                yield "an emergency number"
            so_far = _at_each_key(run, group)
            if any(dear.fullmatch(digits) for dear in self._dear for digits in so_far):
                yield "directory assistance or another premium service"
            for digits in _dialled(run + group):
                # A telephone system may dial as soon as it has enough digits.
                for length in range(SHORTEST, min(len(digits), LOOK_BACK) + 1):
                    if rule := self._refused(digits[:length]):
                        yield f"a blocked number ({rule})"

    def _calls_for_help(self, run: str, group: str) -> bool:
        """Return whether the digits are an emergency number at any digit of the group.

        Two digits, as in France, count only on their own: they are often two menu choices.
        """
        alone = group.removeprefix(_STAR)
        if not run and any(self._is_help(each) for each in _outside(alone) if len(each) == 2):
            return True
        so_far = _at_each_key(run, group)
        # A menu may have consumed the first digit.
        lines = (line for run in so_far for each in (run, run[1:]) for line in _lines(each))
        dialled = (each for line in lines for each in _outside(line))
        return any(self._is_help(each) for each in dialled if len(each) > 2)

    def _is_help(self, digits: str) -> bool:
        if digits in numbers.MOBILE_EMERGENCY:
            return True
        return numbers.is_emergency(digits, self._countries)

    def _refused(self, digits: str) -> Rule | None:
        """Return the rule against what digits dial; None if they dial nothing or are allowed."""
        if digits not in self._judged:
            verdicts = (self._rules.judge(number) for number in self._numbers_in(digits))
            refused = (each.rule for each in verdicts if not each.allowed)
            self._judged[digits] = next(refused, None)
        return self._judged[digits]

    def _numbers_in(self, digits: str) -> Iterator[str]:
        """Yield the valid numbers, in E.164, that digits dial internationally or nationally."""
        texts = [
            "+" + digits.removeprefix(each) for each in INTERNATIONAL if digits.startswith(each)
        ]
        for country in self._countries:
            if _is_national(digits, country):
                with contextlib.suppress(phonenumbers.NumberParseException):
                    texts.append(numbers.e164(phonenumbers.parse(digits, country)))
        for text in texts:
            number = numbers.parse(text)
            if number and phonenumbers.is_valid_number(number):
                yield text


def _is_national(digits: str, country: str) -> bool:
    """Return whether digits start with a country's national prefix.

    North America needs no 1 before the area code.
    """
    prefix = phonenumbers.ndd_prefix_for_region(country, True)
    code = phonenumbers.country_code_for_region(country)
    return code == NANP or not prefix or digits.startswith(prefix)


def _dear_in(country: str | None) -> re.Pattern[str]:
    """Return the pattern of short premium numbers behind an outside-line prefix."""
    if country and phonenumbers.country_code_for_region(country) == NANP:
        return _DEAR_IN_NORTH_AMERICA
    return _DEAR_IN_GERMANY if country == "DE" else _DEAR_ELSEWHERE


def _at_each_key(run: str, group: str) -> list[str]:
    """Return the digits after each of a group's first keys, since short numbers end early."""
    longest = min(len(group), LONGEST_HELP + _LONGEST_CODE)
    return [run + group[: at + 1] for at in range(longest)]


def _after(run: str, key: str) -> str:
    return _begin_anew(key) if _ENDS.fullmatch(key) else run + key


def _begin_anew(part: str) -> str:
    """Remove keys that end a number; a star may also start a service code."""
    return part if part.startswith(_STAR) else _ENDS.sub("", part)


def _dialled(run: str) -> set[str]:
    """Return the digit strings from every position at which a number may begin."""
    digits = run.removeprefix(_STAR)
    # A menu may have consumed the first digit: press 1 for an outside line.
    lines = (run, digits[1:], *_outside(digits[1:]))
    return {each for line in lines for each in _lines(line)}


def _lines(run: str) -> Iterator[str]:
    """Yield digits without a star, and behind each service code."""
    yield run.removeprefix(_STAR)
    for code in SERVICE_CODES:
        if begins := code.match(run):
            yield run[begins.end() :]


def _latest(groups: list[str]) -> list[str]:
    """Drop groups that are too old for an unfinished number."""
    while sum(map(len, groups[1:])) >= LOOK_BACK:
        groups = groups[1:]
    return groups


def _groups(run: str) -> list[str]:
    return [group for group in run.split(_PAUSE) if group]


def _outside(digits: str) -> Iterator[str]:
    """Yield digits as they are, and behind an outside-line prefix."""
    yield digits
    if digits.startswith(OUTSIDE_LINE):
        yield digits[1:]
