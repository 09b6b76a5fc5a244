"""Outcomes: one closed vocabulary."""

from __future__ import annotations

import pytest

from host.outcome import Outcome, outcome_of_sip_status


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_a_plain_sentence(outcome: Outcome) -> None:
    assert outcome.sentence[0].isupper()
    assert outcome.sentence.endswith(".")


def test_outcomes_are_told_apart_by_their_exit_codes() -> None:
    codes = [outcome.exit_code for outcome in Outcome if outcome.exit_code]
    assert len(codes) == len(set(codes))
    assert not {1, 2} & set(codes), "these are the command's own"
    assert all(10 <= code <= 125 for code in codes)


def test_a_call_that_did_its_work_exits_with_zero() -> None:
    assert {outcome for outcome in Outcome if outcome.exit_code == 0} == {
        Outcome.COMPLETED,
        Outcome.TRANSFERRED,
        Outcome.VOICEMAIL_LEFT,
    }


def test_what_is_done_or_forbidden_is_not_tried_again() -> None:
    for outcome in Outcome:
        if outcome.exit_code == 0:
            assert not outcome.retryable()
    assert Outcome.BUSY.retryable()
    assert not Outcome.INVALID_NUMBER.retryable()
    assert not Outcome.BLOCKED.retryable()
    assert not Outcome.DECLINED.retryable()


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (403, Outcome.BLOCKED),
        (404, Outcome.INVALID_NUMBER),
        (408, Outcome.NO_ANSWER),
        (410, Outcome.INVALID_NUMBER),
        (480, Outcome.NO_ANSWER),
        (484, Outcome.INVALID_NUMBER),
        (486, Outcome.BUSY),
        (487, Outcome.CANCELLED),
        (600, Outcome.BUSY),
        (603, Outcome.DECLINED),
        (604, Outcome.INVALID_NUMBER),
        (607, Outcome.DECLINED),
        (608, Outcome.BLOCKED),
    ],
)
def test_a_sip_status_about_the_far_end_has_its_outcome(status: int, outcome: Outcome) -> None:
    assert outcome_of_sip_status(status) is outcome


@pytest.mark.parametrize("status", [400, 401, 407, 415, 488, 500, 502, 503, 504, 606, 699])
def test_any_other_sip_status_is_the_trunks(status: int) -> None:
    assert outcome_of_sip_status(status) is Outcome.TRUNK_ERROR


def test_an_outcome_is_its_word_wherever_it_is_written() -> None:
    assert f"{Outcome.NO_ANSWER}" == "no_answer"
