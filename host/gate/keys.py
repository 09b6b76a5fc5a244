"""Keys that dial through: what is pressed must not dial where the far end gives an outside line.

Nobody can tell a menu from a dial tone by its sound, so the gate reads keys as a telephone system
may read them: from wherever a number may begin, with and without a digit that gets an outside line.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator, Sequence

import phonenumbers

from host.gate import number as numbers
from host.gate.rules import NANP, NumberRules
from host.gate.verdict import Rule, Verdict, refuse

FORGOTTEN = 20.0
"""Seconds after which no telephone system waits any more for the rest of a number."""
OUTSIDE_LINE = ("9", "0")
"""What gets an outside line, with nearly every telephone system."""
INTERNATIONAL = ("00", "011")
"""What begins an international number: ITU's own prefix, and North America's."""
SHORTEST = 7
"""Digits of the shortest number that is worth a look."""
LONGEST_HELP = 6
"""Digits of the longest emergency number, with the one for an outside line."""
LOOK_BACK = 32
"""Digits from which, at most, a number may have begun: more than any has with all before it."""
SERVICE_CODES = tuple(
    map(re.compile, (r"\*\d{2}", r"\*\d{3}", r"11\d{2}", r"11\d{3}", r"101\d{4}", "141", "1470"))
)
"""What tells a line how to dial the number after it: *67 hides the caller in North America, as 1167
does where there is no star; 1010288 takes another carrier; 141 and 1470 are Britain's *67 and *82.
"""
_LONGEST_CODE = 7
_PAUSE, _STAR = ",", "*"
_ENDS = re.compile("[*#A-D]")


class KeyRules:
    """The keys of one call, judged before they are pressed."""

    def __init__(
        self,
        rules: NumberRules,
        far_end: str | None,
        ours: str | None = None,
        *,
        rung: bool = False,
    ) -> None:
        """Take the number rules, and the far end's number, whose country its telephones have.

        Where it has rung us its number may be forged, and theirs be any country that we may have
        to do with: that of our own number, and those that may be called.
        """
        self._rules = rules
        known = map(numbers.country_of, filter(None, (far_end, ours if rung else None)))
        self._countries = frozenset(filter(None, known)) | (
            rules.countries if rung else frozenset()
        )
        self._run, self._last = "", 0.0
        self._judged: dict[str, Rule | None] = {}

    def judge(self, presses: Sequence[str | float]) -> Verdict:
        """Judge keys, and seconds of pauses between them, by what was pressed before them."""
        self._forget()
        written = "".join(each if isinstance(each, str) else _PAUSE for each in presses)
        before = _latest(_groups(self._run))
        for part in re.split(f"(?={_ENDS.pattern})", written):
            if _ENDS.match(part):
                before = []
            for group in _groups(_begin_anew(part)):
                for what in self._could_dial(before, group):
                    reason = f"they could dial {what}, if the far end gave an outside line"
                    return refuse(Rule.KEYS, reason)
                before = _latest([*before, group])
        return Verdict(True, None, None, "the keys dial nothing that may not be called")

    def pressed(self, key: str) -> None:
        """Remember a key that went out."""
        self._forget()
        self._run = _begin_anew(key) if _ENDS.fullmatch(key) else self._run + key
        self._last = time.monotonic()

    def paused(self) -> None:
        """Remember a pause after which a number may begin, as at the end of what was pressed."""
        self._run += _PAUSE

    def _forget(self) -> None:
        if time.monotonic() - self._last > FORGOTTEN:
            self._run = ""

    def _could_dial(self, before: Sequence[str], group: str) -> Iterator[str]:
        """Name what digits could dial, alone or as the rest of what came before them."""
        if self._calls_for_help("".join(before), group) or self._calls_for_help("", group):
            yield "an emergency number"
        for at in range(len(before) + 1):
            for digits in _dialled("".join((*before[at:], group))):
                # A telephone system may dial as soon as there are enough of them.
                for length in range(SHORTEST, min(len(digits), LOOK_BACK) + 1):
                    if rule := self._refused(digits[:length]):
                        yield f"a number that may not be called ({rule})"

    def _calls_for_help(self, run: str, group: str) -> bool:
        """Tell whether the run so far, at any digit of the group, is an emergency number.

        One of two digits, as France has them, is often two choices in a menu.
        """
        alone = group.removeprefix(_STAR)
        if not run and any(self._is_help(each) for each in _outside(alone) if len(each) == 2):
            return True
        longest = min(len(group), LONGEST_HELP + _LONGEST_CODE)
        so_far = (run + group[: at + 1] for at in range(longest))
        lines = (line for run in so_far for each in _outside(run) for line in _lines(each))
        dialled = (each for line in lines for each in _outside(line))
        return any(self._is_help(each) for each in dialled if len(each) > 2)

    def _is_help(self, digits: str) -> bool:
        if digits in numbers.MOBILE_EMERGENCY:
            return True
        return numbers.is_emergency(digits, self._countries)

    def _refused(self, digits: str) -> Rule | None:
        """Name the rule against what digits dial; None where they dial nothing, or it may be."""
        if digits not in self._judged:
            verdicts = (self._rules.judge(number) for number in self._numbers_in(digits))
            refused = (each.rule for each in verdicts if not each.allowed)
            self._judged[digits] = next(refused, None)
        return self._judged[digits]

    def _numbers_in(self, digits: str) -> Iterator[str]:
        """Give the valid numbers, in E.164, that digits dial abroad or within a country."""
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
    """Tell whether digits begin as a number is dialled within a country.

    North America needs no 1 before the area; others need what their national numbers begin with.
    """
    prefix = phonenumbers.ndd_prefix_for_region(country, True)
    code = phonenumbers.country_code_for_region(country)
    return code == NANP or not prefix or digits.startswith(prefix)


def _begin_anew(part: str) -> str:
    """Leave out what ends a number; a star may also begin a service code."""
    return part if part.startswith(_STAR) else _ENDS.sub("", part)


def _dialled(run: str) -> set[str]:
    """Give digits from wherever a number may begin in them."""
    digits = run.removeprefix(_STAR)
    # A menu may have taken any first digit: press 1 for an outside line.
    lines = (run, digits[1:], *_outside(digits[1:]))
    return {each for line in lines for each in _lines(line)}


def _lines(run: str) -> Iterator[str]:
    """Give digits as a line may read them: without a star, and behind each service code."""
    yield run.removeprefix(_STAR)
    for code in SERVICE_CODES:
        if begins := code.match(run):
            yield run[begins.end() :]


def _latest(groups: list[str]) -> list[str]:
    """Leave out the groups in which no number can have begun that is not over."""
    while sum(map(len, groups[1:])) >= LOOK_BACK:
        groups = groups[1:]
    return groups


def _groups(run: str) -> list[str]:
    return [group for group in run.split(_PAUSE) if group]


def _outside(digits: str) -> Iterator[str]:
    """Give digits as they are, and behind what gets an outside line."""
    yield digits
    if digits.startswith(OUTSIDE_LINE):
        yield digits[1:]
