"""$title, without a telephone: each test takes milliseconds."""

import pytest

from host import Call, HostError, LeaveMessage
from host.testing import a_call

DETAILS = {"customer": "Ann", "time": "3pm"}


@pytest.fixture
def call() -> Call:
    """A call to Ann."""
    return a_call("$name", outbound=True, metadata=DETAILS)


def test_it_says_who_calls_whom(call: Call) -> None:
    said = call.hooks.greeting(call=call)
    assert said.startswith("Hello Ann, this is $company.")


def test_it_leaves_the_time_on_voicemail(call: Call) -> None:
    policy = call.hooks.voicemail_policy(call=call)
    assert isinstance(policy, LeaveMessage)
    assert "Your appointment is at 3pm." in policy.text


def test_a_call_without_its_details_is_not_placed() -> None:
    with pytest.raises(HostError, match="customer is missing; time is missing"):
        a_call("$name", outbound=True)
