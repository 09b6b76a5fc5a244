"""$title, without a telephone: each test takes milliseconds."""

import pytest

from host.testing import a_call, tool


def test_it_says_who_it_is() -> None:
    call = a_call("$name")
    said = call.hooks.greeting(call=call)
    assert said.startswith("Hello, this is $company.")


@pytest.mark.asyncio
async def test_it_keeps_a_message() -> None:
    call = a_call("$name")
    assert await tool(call, "take_message")("Please call back.") == "The message is noted."
    assert call.state.message == "Please call back."
