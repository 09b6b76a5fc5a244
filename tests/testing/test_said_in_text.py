"""What is said off the record in a conversation in text, and digits that are said."""

from __future__ import annotations

import pytest
from deployment import Deployment

from host.call.unrecorded import MARK
from host.testing import Rule, open_conversation

TELLER = '''
    """Teller: takes numbers that the caller says or types, and the number of a card."""

    from host import hookimpl

    @hookimpl
    def instructions(call):
        return "You are the teller."

    @hookimpl
    def greeting(call):
        return "Here is the teller."

    @hookimpl
    def tools(call):
        async def ask_for_the_customer() -> str:
            """Ask for the number of the customer."""
            return await call.collect_digits("Your number?", length=4, spoken=True)

        async def ask_for_the_pin() -> str:
            """Ask for the PIN."""
            call.state.pin = await call.collect_digits(
                "Your PIN?", length=4, spoken=True, private=True
            )
            return "It is right."

        async def take_the_card() -> str:
            """Begin to take the number of a card."""
            await call.pause_recording()
            return "Ask for it."

        async def charge(card: str) -> str:
            """Charge a card."""
            call.state.card = card
            await call.resume_recording()
            return "Charged."

        return [ask_for_the_customer, ask_for_the_pin, take_the_card, charge]
    '''
CARD = "4929118603754429"
RULES = [
    Rule(hears="customer", calls=("ask_for_the_customer", {})),
    Rule(hears="forty-seven", says="Thank you."),  # the result, too, precedes the last words
    Rule(hears="my pin", calls=("ask_for_the_pin", {})),
    Rule(after="ask_for_the_pin", says="Thank you very much."),
    Rule(hears="pay", calls=("take_the_card", {})),
    Rule(after="take_the_card", says="What is its number?"),
    Rule(hears=CARD, calls=("charge", {"card": CARD})),
    Rule(after="charge", says="It is paid."),
    Rule(hears="day", says="Today is Monday."),
]


@pytest.fixture(autouse=True)
def teller(deployment: Deployment) -> None:
    deployment.write("personas/teller.py", TELLER)


async def test_a_number_is_said_or_typed_or_both() -> None:
    async with open_conversation("teller", rules=RULES) as talk:
        assert (await talk.say("I am a customer.")).text == "Your number?"
        assert (await talk.say("It is forty-seven.")).said == []
        assert (await talk.press("11")).text == "Thank you."
    assert [tool.result for tool in talk.record.tools] == ["4711"]
    assert talk.record.transcript[3].text == "It is forty-seven."


async def test_a_private_number_that_is_said_is_neither_recorded_nor_told_to_the_llm() -> None:
    async with open_conversation("teller", rules=RULES) as talk:
        await talk.say("Here is my PIN.")
        assert (await talk.say("Two nine four six.")).text == "Thank you very much."
        assert talk.call.state.pin == "2946"
        assert "four six" not in str(talk.session.history.to_dict())
    assert talk.record.transcript[3].text == MARK
    assert "four six" not in talk.record.model_dump_json()


async def test_a_test_hears_what_is_off_the_record_and_the_record_has_none_of_it() -> None:
    async with open_conversation("teller", rules=RULES) as talk:
        assert (await talk.say("I want to pay.")).text == "What is its number?"
        assert (await talk.say(f"It is {CARD}.")).text == "It is paid."
        assert talk.call.state.card == CARD
        assert (await talk.say("What day is it?")).text == "Today is Monday."
    assert [(said.who, said.text) for said in talk.record.transcript] == [
        ("persona", "Here is the teller."),
        ("caller", "I want to pay."),
        ("persona", MARK),
        ("caller", MARK),
        ("persona", "It is paid."),
        ("caller", "What day is it?"),
        ("persona", "Today is Monday."),
    ]
    assert CARD not in talk.record.model_dump_json()
