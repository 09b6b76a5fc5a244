"""Naming why a dial failed: by the SIP status alone, whatever the Twirp code of the version."""

import pytest
from livekit import api

from host.dial import name
from host.outcome import Outcome


def sip_failure(status: int, code: str) -> api.SipCallError:
    metadata = {"sip_status_code": str(status), "sip_status": "whatever"}
    return api.SipCallError(code, "INVITE failed", status=500, metadata=metadata)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (402, Outcome.BLOCKED),
        (403, Outcome.BLOCKED),
        (404, Outcome.INVALID_NUMBER),
        (408, Outcome.NO_ANSWER),
        (410, Outcome.INVALID_NUMBER),
        (480, Outcome.NO_ANSWER),
        (484, Outcome.INVALID_NUMBER),
        (486, Outcome.BUSY),
        (487, Outcome.CANCELLED),
        (500, Outcome.TRUNK_ERROR),
        (503, Outcome.TRUNK_ERROR),
        (600, Outcome.BUSY),
        (603, Outcome.DECLINED),
        (604, Outcome.INVALID_NUMBER),
        (608, Outcome.BLOCKED),
    ],
)
@pytest.mark.parametrize("code", ["unavailable", "failed_precondition", "resource_exhausted"])
def test_the_sip_status_names_the_outcome_whatever_the_twirp_code(
    status: int, outcome: Outcome, code: str
) -> None:
    ending = name(sip_failure(status, code))
    assert ending.outcome is outcome
    assert ending.sip_status == status
    assert str(status) in ending.reason


@pytest.mark.parametrize("code", ["canceled", "deadline_exceeded"])
def test_an_expired_request_without_a_sip_status_means_no_answer(code: str) -> None:
    ending = name(api.ServerError(code, "twirp error unknown: canceled", status=408))
    assert ending.outcome is Outcome.NO_ANSWER
    assert ending.sip_status is None


def test_a_missing_trunk_is_the_trunks_fault_and_no_invalid_number() -> None:
    missing = api.ServerError("not_found", "requested sip trunk does not exist", status=404)
    ending = name(missing)
    assert ending.outcome is Outcome.TRUNK_ERROR
    assert "requested sip trunk does not exist" in ending.reason
