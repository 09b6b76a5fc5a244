"""Conversations in text, as authors test their personas with."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path
from typing import Any

import pytest
from deployment import Deployment
from livekit.agents import APIConnectionError, llm
from livekit.agents.evals import JudgeGroup, task_completion_judge
from livekit.agents.voice.run_result import RunResult

from host.base.errors import HostError, MetadataError, PersonaError
from host.local.rule_llm import RuleLlm
from host.testing import OWN, Rule, open_conversation

CLERK = '''
    """Clerk: reserves flowers."""

    from host import hookimpl

    @hookimpl
    def instructions(call):
        return "You are the flower shop."

    @hookimpl
    def greeting(call):
        return "Here is the flower shop."

    @hookimpl
    def tools(call):
        async def reserve(flower: str, count: int = 1) -> str:
            """Reserve flowers."""
            call.state.reserved = (flower, count)
            return "Reserved."

        async def close_shop() -> None:
            """Close the shop."""
            await call.hang_up("We are closing now.")

        async def complain() -> str:
            """Fail."""
            raise ValueError("no flowers")

        return [reserve, close_shop, complain]

    @hookimpl
    async def call_ended(call, record):
        call.state.record = record
    '''
RULES = """
    [[rules]]
    hears = "rose"
    calls = "reserve"
    arguments = { flower = "rose", count = 12 }

    [[rules]]
    after = "reserve"
    says = "Twelve roses are reserved."

    [[rules]]
    hears = "close"
    calls = "close_shop"

    [[rules]]
    hears = "complain"
    calls = "complain"
    """
BILLING = '[transfers]\nbilling = "+15550003333"\n'


@pytest.fixture
def shop(deployment: Deployment) -> Deployment:
    """A deployment with the clerk, and a transfer target."""
    deployment.write("personas/clerk.py", CLERK)
    deployment.write("personas/clerk.rules.toml", RULES)
    deployment.write("host.toml", BILLING)
    return deployment


async def test_a_persona_greets_answers_and_uses_its_tools(shop: Deployment) -> None:
    async with open_conversation("clerk") as talk:
        assert talk.greeting.text == "Here is the flower shop."
        turn = await talk.say("I want roses.")
        assert turn.text == "Twelve roses are reserved."
        assert turn.tools == [("reserve", {"flower": "rose", "count": 12})]
        assert talk.call.state.reserved == ("rose", 12)
        assert not talk.over
    assert [(said.who, said.text) for said in talk.transcript] == [
        ("persona", "Here is the flower shop."),
        ("caller", "I want roses."),
        ("persona", "Twelve roses are reserved."),
    ]


async def test_livekits_own_assertions_work_on_it(shop: Deployment) -> None:
    async with open_conversation("clerk") as talk:
        turn = await talk.say("I want roses.")
        turn.expect.next_event().is_function_call(name="reserve", arguments={"flower": "rose"})
        turn.expect.next_event().is_function_call_output(output="Reserved.")
        turn.expect.next_event().is_message(role="assistant")
        turn.expect.no_more_events()
        result: RunResult[Any] = await talk.session.run(user_input="Complain!")
        result.expect.contains_function_call_output(is_error=True)
    assert [tool.name for tool in talk.record.tools] == ["reserve", "complain"]
    assert [said.text for said in talk.record.transcript if said.who == "caller"] == [
        "I want roses.",
        "Complain!",
    ]


async def test_livekits_judges_judge_it(shop: Deployment) -> None:
    def judge(verdict: str) -> RuleLlm:
        arguments = {"verdict": verdict, "reasoning": "so it is"}
        return RuleLlm([Rule(calls=("submit_verdict", arguments))], lambda: None)

    async with open_conversation("clerk") as talk:
        turn = await talk.say("I want roses.")
        for verdict in ("pass", "fail"):
            judges = JudgeGroup(llm=judge(verdict), judges=[task_completion_judge()])
            result = await judges.evaluate(talk.session.history)
            assert result.all_passed == (verdict == "pass")
        thinks = Rule(calls=("check_intent", {"success": False, "reason": "no price"}))
        message = turn.expect[-1].is_message(role="assistant")
        with pytest.raises(AssertionError, match="no price"):
            await message.judge(RuleLlm([thinks], lambda: None), intent="says a price")


async def test_a_transfer_ends_the_conversation(shop: Deployment) -> None:
    async with open_conversation("clerk", number="+12125550123") as talk:
        turn = await talk.say("Put me through to billing.")
        assert turn.transfers == ["billing"]
        assert turn.text == "One moment please, I am connecting you to billing."
        assert talk.over
    record = talk.record
    assert (record.outcome, record.reason) == ("transferred", "the call was transferred to billing")
    assert [(each.to, each.succeeded) for each in record.transfers] == [("billing", True)]


async def test_a_target_that_does_not_answer_leaves_the_caller_with_the_persona(
    shop: Deployment,
) -> None:
    async with open_conversation("clerk", busy=["billing"]) as talk:
        turn = await talk.say("Put me through to billing.")
        assert turn.transfers == ["billing"]
        assert turn.said[1] == "I am sorry, billing can't take your call right now."
        assert not talk.over
        assert (await talk.say("Then a rose.")).text == "Twelve roses are reserved."
    assert {each.succeeded for each in talk.record.transfers} == {False}


async def test_the_llm_hangs_up_after_its_goodbye(shop: Deployment) -> None:
    async with open_conversation("clerk") as talk:
        turn = await talk.say("Goodbye.")
        assert (turn.text, turn.tools) == ("Goodbye.", [("end_call", {})])
        assert talk.over
        with pytest.raises(HostError, match="^the call is over: clerk hung up$"):
            await talk.say("Are you there?")
    assert (talk.record.outcome, talk.record.ended_by) == ("completed", "persona")


async def test_nothing_is_said_after_a_tool_has_hung_up(shop: Deployment) -> None:
    async with open_conversation("clerk") as talk:
        turn = await talk.say("You close now.")
        assert turn.said == ["We are closing now."]
        assert turn.tools == [("close_shop", {})]
        assert talk.over


async def test_whoever_leaves_hangs_up_and_the_persona_is_told(shop: Deployment) -> None:
    async with open_conversation("clerk", number="+12125550123") as talk:
        with pytest.raises(HostError, match="goes on"):
            _ = talk.ending
    assert (talk.record.outcome, talk.record.reason) == ("completed", "the caller hung up")
    assert talk.call.state.record.outcome == "completed"


async def test_a_conversation_leaves_nothing_behind(shop: Deployment) -> None:
    def files() -> list[Path]:
        return sorted(each for each in shop.folder.rglob("*") if "__pycache__" not in each.parts)

    before = files()
    async with open_conversation("clerk", number="+12125550123") as talk:
        await talk.call.opt_out()
    assert files() == before


async def test_nobody_is_told_of_a_conversation(
    shop: Deployment, no_sockets: None, caplog: pytest.LogCaptureFixture
) -> None:
    shop.write(
        "host.toml",
        """
        [plugins.webhook]
        url = "http://127.0.0.1:9"
        [plugins.metrics]
        port = 9
        [plugins.traces]
        endpoint = "http://127.0.0.1:9"
        """,
    )
    async with open_conversation("clerk"):
        pass
    assert not [each for each in caplog.records if each.levelname in ("WARNING", "ERROR")]


async def test_a_persona_without_a_greeting_lets_the_llm_open(deployment: Deployment) -> None:
    deployment.persona("ann")
    opens = Rule(hears="^$", says="Ann speaking.")
    async with open_conversation("ann", rules=[opens]) as talk:
        assert talk.greeting.text == "Ann speaking."


async def test_the_notice_comes_before_the_greeting(shop: Deployment) -> None:
    shop.write("host.toml", 'disclosure = "I am an AI."\n')
    async with open_conversation("clerk") as talk:
        assert talk.greeting.said == ["I am an AI.", "Here is the flower shop."]


async def test_an_authors_agent_speaks_on_entering(deployment: Deployment) -> None:
    deployment.write(
        "personas/own.py",
        """
        from livekit.agents import Agent
        from host import hookimpl

        class Mine(Agent):
            async def on_enter(self):
                self.session.say("I enter.")

        @hookimpl
        def agent(call):
            return Mine(instructions="You enter.")
        """,
    )
    async with open_conversation("own") as talk:
        assert talk.greeting.text == "I enter."
        assert type(talk.session.current_agent).__name__ == "Mine"


OUTBOUND = """
    from pydantic import BaseModel
    from host import LeaveMessage, hookimpl

    class Wanted(BaseModel):
        name: str

    @hookimpl
    def parse_metadata(metadata):
        return Wanted.model_validate(metadata)

    @hookimpl
    async def prepare_call(call):
        call.state.prepared = call.number

    @hookimpl
    def instructions(call):
        return "You remind."

    @hookimpl
    def greeting(call):
        return f"Hello {call.details.name}."

    @hookimpl
    def voicemail_policy(call):
        return LeaveMessage("Call us back.")
    """


async def test_an_outbound_call_has_its_details(deployment: Deployment) -> None:
    deployment.write("personas/reminds.py", OUTBOUND)
    facts: dict[str, Any] = {"outbound": True, "number": "+12125550123"}
    machine = Rule(hears="after the tone", calls=("detected_answering_machine", {}))
    async with open_conversation(
        "reminds", metadata={"name": "Ann"}, rules=[machine], **facts
    ) as talk:
        assert talk.greeting.text == "Hello Ann."
        assert talk.call.state.prepared == "+12125550123"
        turn = await talk.say("Please speak after the tone.")
        assert turn.text == "Call us back."
    assert talk.record.outcome == "voicemail_left"
    with pytest.raises(MetadataError, match="name is missing"):
        async with open_conversation("reminds", **facts):
            pass


async def test_a_persona_that_is_not_there_is_one_line(shop: Deployment) -> None:
    with pytest.raises(PersonaError, match="^there is no persona 'nobody'$"):
        async with open_conversation("nobody"):
            pass


KEYS = """
    from host import Menu, hookimpl

    @hookimpl
    def instructions(call):
        return "You have a menu."

    @hookimpl
    def greeting(call):
        return "Welcome."

    @hookimpl
    async def call_greeted(call):
        menu = Menu("One for sales, two for support.", {"1": "sales", "2": "support"})
        call.state.chosen = await call.choose(menu)
        call.state.number = await call.collect_digits("Your number, please.", length=4)
        await call.say(f"Thank you, {call.state.number}.")

    @hookimpl
    async def digit_pressed(call, digit):
        call.state.keys = getattr(call.state, "keys", "") + digit
    """


async def test_keys_go_through_a_menu_and_make_a_number(deployment: Deployment) -> None:
    deployment.write("personas/keys.py", KEYS)
    async with open_conversation("keys") as talk:
        assert talk.greeting.said == ["Welcome.", "One for sales, two for support."]
        assert (await talk.say("Hello?")).said == []  # a menu is answered by keys
        assert (await talk.press("2")).text == "Your number, please."
        assert talk.call.state.chosen == "support"
        assert (await talk.press("1234")).text == "Thank you, 1234."
        assert talk.call.state.keys == "21234"
        with pytest.raises(HostError, match="pause"):
            await talk.press("1w2")
    assert [key.digit for key in talk.record.keys] == ["2", "1", "2", "3", "4"]


async def test_a_key_may_begin_a_question_for_more(deployment: Deployment) -> None:
    deployment.write("personas/asks.py", ASKS)
    async with open_conversation("asks", rules=[Rule(hears="^$", says="Press zero.")]) as talk:
        assert (await talk.press("0")).text == "Your number, please."
        assert (await talk.press("42")).text == "It is 42."


ASKS = """
    from host import hookimpl

    @hookimpl
    def instructions(call):
        return "You ask."

    @hookimpl
    async def digit_pressed(call, digit):
        if digit == "0":
            number = await call.collect_digits("Your number, please.", length=2, type_ahead=False)
            await call.say(f"It is {number}.")
    """


async def test_a_tool_may_ask_for_keys(deployment: Deployment) -> None:
    deployment.write("personas/pays.py", PAYS)
    rules = [Rule(hears="pay", calls=("pay", {})), Rule(after="pay", says="That is all.")]
    async with open_conversation("pays", rules=rules) as talk:
        assert (await talk.say("I want to pay.")).said == ["Your card?"]
        assert (await talk.press("12")).said == ["Your code?"]
        turn = await talk.press("34")
        assert turn.said == ["That is all."]
        assert turn.tools == [("pay", {})]
        assert (await talk.say("I want to pay.")).said == ["Your card?"]
    assert [tool.result for tool in talk.record.tools][:1] == ["Paid by 12 and 34."]


async def test_a_tool_that_gets_no_keys_leaves_the_caller_with_the_llm(
    deployment: Deployment,
) -> None:
    deployment.write("personas/pays.py", PAYS)
    rules = [Rule(hears="pay", calls=("pay", {})), Rule(after="pay", says="That is all.")]
    async with open_conversation("pays", rules=rules) as talk:
        await talk.say("I want to pay.")
        await talk.press("12")
        async with asyncio.timeout(5):
            while talk.call.transcript[-1].text != "That is all.":
                await talk.session.wait_for_idle()
                await asyncio.sleep(0.01)  # until the question is given up: there is no event
        assert (await talk.say("I want to pay.")).said == ["Your card?"]


PAYS = """
    import asyncio

    from host import hookimpl

    @hookimpl
    def instructions(call):
        return "You take payments."

    @hookimpl
    def tools(call):
        async def pay() -> str:
            \"\"\"Take a payment.\"\"\"
            await asyncio.sleep(0.05)
            card = await call.collect_digits("Your card?", length=2)
            await asyncio.sleep(0.05)
            code = await call.collect_digits("Your code?", length=2, first_timeout=0.3, tries=1)
            await asyncio.sleep(0.05)
            return f"Paid by {card} and {code}."

        return [pay]
    """


async def test_a_persona_presses_keys_and_waits_on_hold(deployment: Deployment) -> None:
    deployment.persona("ann")
    rules = [
        Rule(hears="press one", calls=("press_keys", {"keys": "1w2"})),
        Rule(hears="please hold", calls=("wait_on_hold", {})),
        Rule(hears="i am back", says="Welcome back."),
    ]
    async with open_conversation("ann", rules=rules) as talk:
        assert (await talk.say("Please press one.")).keys == "12"
        assert (await talk.say("Please hold the line.")).said == []
        assert talk.call.on_hold
        assert (await talk.say("I am back.")).text == "Welcome back."
        assert not talk.call.on_hold


async def test_a_model_that_repeats_a_tool_is_stopped(shop: Deployment) -> None:
    shop.write("host.toml", "max_same_tool = 3\n")
    again = Rule(calls=("reserve", {"flower": "rose"}), after="reserve", stubborn=True)
    async with open_conversation("clerk", rules=[again]) as talk:
        await talk.say("I want roses.")
        assert talk.over
    assert talk.record.outcome == "failed"
    assert "times in a row without answering" in talk.record.reason


# Models


class Speaks(RuleLlm):
    """A model of a test's own."""

    def __init__(self, text: str) -> None:
        super().__init__([Rule(says=text)], lambda: None)


async def test_another_llm_may_be_given(shop: Deployment) -> None:
    async with open_conversation("clerk", llm=Speaks("I am another.")) as talk:
        assert (await talk.say("Roses?")).text == "I am another."


async def test_the_llm_of_the_persona_may_be_used(shop: Deployment) -> None:
    shop.write("plugins/acme.py", ACME)
    shop.write("host.toml", 'llm = "acme/one"\nllm_fallbacks = ["acme/two"]\n')
    async with open_conversation("clerk", llm=OWN) as talk:
        assert (await talk.say("Roses?")).text == "I am one."
        assert isinstance(talk.session.llm, llm.FallbackAdapter)
    async with open_conversation("clerk", llm="acme/three") as talk:
        assert (await talk.say("Roses?")).text == "I am three."
        assert not isinstance(talk.session.llm, llm.FallbackAdapter)


ACME = """
    from host import hookimpl
    from host.local.rule_llm import RuleLlm
    from host.local.rules import Rule

    @hookimpl
    def provide(call, kind, provider, model):
        if (kind, provider) == ("llm", "acme"):
            return RuleLlm([Rule(says=f"I am {model}.")], lambda: None)
    """


class Fails(RuleLlm):
    """A model that is out of order."""

    def schemas_of(self, tools: list[llm.Tool]) -> list[dict[str, Any]]:
        raise APIConnectionError("out of order", retryable=False)


async def test_an_llm_that_fails_raises_what_it_raised(shop: Deployment) -> None:
    async with open_conversation("clerk", llm=Fails([], lambda: None)) as talk:
        with pytest.raises(APIConnectionError, match="out of order"):
            await talk.say("Roses?")
        assert not talk.over  # LiveKit takes three in a row for permanent
        for _ in range(2):
            with pytest.raises(APIConnectionError):
                await talk.say("Roses?")
        with pytest.raises(HostError, match="^the LLM failed permanently: out of order$"):
            await talk.say("Roses?")
    assert (talk.record.outcome, talk.record.error) == ("failed", "out of order")


async def test_an_llm_that_can_not_greet_is_one_line(deployment: Deployment) -> None:
    deployment.persona("ann")
    with pytest.raises(HostError, match="^the persona did not greet: out of order$"):
        async with open_conversation("ann", llm=Fails([], lambda: None)):
            pass


async def test_a_persona_that_gets_the_call_has_the_same_llm(shop: Deployment) -> None:
    shop.persona("bob")
    async with open_conversation("clerk") as talk:
        live: Any = talk.call._handling
        live.take("bob", shop.load().view("bob"))
        model = live.hooks.llm(call=talk.call)
        assert isinstance(model, RuleLlm)
        assert model.persona() == "bob"


# Without anything around it


@pytest.fixture
def no_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing reach a network or a server; the loop's own pair of sockets is there already."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("a socket was used")

    for name in ("connect", "connect_ex", "bind", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)


@pytest.mark.corpus
async def test_a_hundred_conversations_need_no_network_server_or_flite(
    shop: Deployment, no_sockets: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))  # no program can be found
    monkeypatch.setenv("HOST_LIVEKIT_SERVER", str(tmp_path / "none"))
    for _ in range(100):
        async with open_conversation("clerk", number="+12125550123") as talk:
            turn = await talk.say("I want roses.")
            assert turn.tools == [("reserve", {"flower": "rose", "count": 12})]
    with pytest.raises(AssertionError, match="a socket was used"):
        socket.create_connection(("127.0.0.1", 9))
    assert json.loads(talk.record.model_dump_json())["outcome"] == "completed"
