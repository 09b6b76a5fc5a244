"""$title, in text: each test takes milliseconds."""

import pytest

from host.testing import Converse


@pytest.mark.asyncio
async def test_it_says_who_it_is_and_when_the_office_is_open(conversation: Converse) -> None:
    async with conversation("$name") as talk:
        assert "Hello, this is $company." in talk.greeting.text
        turn = await talk.say("When are you open?")
        assert turn.text == "We are open from nine to five, Monday to Friday."


@pytest.mark.asyncio
async def test_it_keeps_a_message(conversation: Converse) -> None:
    async with conversation("$name") as talk:
        turn = await talk.say("Please take a message.")
        assert turn.tools == [("take_message", {"message": "Please call back."})]
    assert talk.record.results == {"message": "Please call back."}
