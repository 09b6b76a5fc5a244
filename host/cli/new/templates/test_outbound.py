"""$title, in text and by its hooks: each takes milliseconds."""

import pytest

from host import HostError, LeaveMessage
from host.testing import Converse, a_call

NAME = "$name"
DETAILS = {"customer": "Ann", "time": "3pm"}


@pytest.mark.asyncio
async def test_a_customer_who_can_come_is_bidden_goodbye(conversation: Converse) -> None:
    async with conversation(NAME, outbound=True, metadata=DETAILS) as talk:
        assert "Hello Ann, this is $company." in talk.greeting.text
        turn = await talk.say("Yes, I can.")
        assert turn.text == "Thank you, see you then. Goodbye."
        assert talk.over


def test_it_leaves_the_time_on_voicemail() -> None:
    call = a_call(NAME, outbound=True, metadata=DETAILS)
    policy = call.hooks.voicemail_policy(call=call)
    assert isinstance(policy, LeaveMessage)
    assert "Your appointment is at 3pm." in policy.text


def test_a_call_without_its_details_is_not_placed() -> None:
    with pytest.raises(HostError, match="customer is missing; time is missing"):
        a_call(NAME, outbound=True)
