"""Outcomes: one closed vocabulary."""

from __future__ import annotations

import pytest
from sip_statuses import SIP_STATUSES

from host.local.exchange import PROFILES, Profile
from host.records.outcome import Kind, Outcome, outcome_of_sip_status


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_is_described_in_words_that_stand_behind_it(outcome: Outcome) -> None:
    assert outcome.description[0].islower()
    assert not outcome.description.endswith(".")


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


def test_an_outcome_that_says_that_somebody_was_reached_did_its_work() -> None:
    reached = {outcome for outcome in Outcome if outcome.reached}
    assert {Outcome.COMPLETED, Outcome.TRANSFERRED, Outcome.VOICEMAIL_LEFT} <= reached
    assert not [outcome for outcome in reached if outcome.retryable()]


def test_each_outcome_counts_as_one_kind_and_no_conversation_as_a_failure() -> None:
    for outcome in Outcome:
        assert outcome.kind in Kind
        assert not outcome.conversation or outcome.kind is Kind.TALKED
    assert {outcome.kind for outcome in Outcome} == set(Kind)


@pytest.mark.parametrize("status", SIP_STATUSES)
def test_every_sip_status_has_its_outcome_and_says_whether_a_retry_makes_sense(
    status: int,
) -> None:
    outcome = outcome_of_sip_status(status)
    assert (outcome, outcome.retryable(status)) == SIP_STATUSES[status]


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.name)
def test_no_sip_status_that_a_generation_treats_on_its_own_is_missing_in_the_table(
    profile: Profile,
) -> None:
    assert set(profile.codes) <= set(SIP_STATUSES)


@pytest.mark.parametrize("outcome", Outcome)
def test_without_a_sip_status_a_retry_makes_sense_where_luck_or_a_machine_decided(
    outcome: Outcome,
) -> None:
    by_luck = {
        Outcome.VOICEMAIL_SKIPPED,
        Outcome.NO_ANSWER,
        Outcome.BUSY,
        Outcome.TRUNK_ERROR,
        Outcome.CANCELLED,
        Outcome.ABANDONED,
        Outcome.FAILED,
    }
    assert outcome.retryable() == (outcome in by_luck)


def test_an_outcome_is_its_word_wherever_it_is_written() -> None:
    assert f"{Outcome.NO_ANSWER}" == "no_answer"
