"""A telephone in memory finds what it has heard as often as it was said, and what was cut off."""

from __future__ import annotations

from in_memory.sound import SECONDS_A_CHARACTER
from in_memory.telephones import Utterance, find_in

GREETING = "Good day, how may I help you?"


def said(text: str, start: float = 0.0) -> Utterance:
    """Something that was said without a pause."""
    return Utterance(text, start, start + len(text) * SECONDS_A_CHARACTER)


def test_what_is_said_twice_in_one_breath_is_found_twice() -> None:
    first, second = find_in([said(f"{GREETING} {GREETING} ")], GREETING)
    assert first.whole
    assert second.whole
    assert first.end < second.start


def test_what_is_said_again_later_is_found_twice() -> None:
    found = find_in([said(GREETING), said(GREETING, 9.0)], GREETING)
    assert [round(each.start) for each in found] == [0, 9]


def test_what_is_cut_off_is_found_and_not_whole() -> None:
    (found,) = find_in([said("Good day, how may I")], GREETING)
    assert not found.whole
    assert 0.5 < found.share < 0.8


def test_what_begins_too_late_is_found_and_not_whole() -> None:
    (found,) = find_in([said("how may I help you?")], GREETING)
    assert not found.whole


def test_several_sentences_are_one_text_though_there_are_pauses_between_them() -> None:
    (found,) = find_in([said("I am here. "), said("Go on. ", 1.0)], "I am here. Go on.")
    assert found.whole
    assert found.end > 1.0


def test_something_else_is_not_found() -> None:
    assert find_in([said("Something else entirely.")], GREETING) == []
