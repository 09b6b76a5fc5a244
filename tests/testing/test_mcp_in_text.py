"""Conversations in text with tools of MCP servers: over loopback, and in place of real ones."""

from __future__ import annotations

import asyncio
import logging
import re
from functools import partial
from typing import Any

import pytest
from authors import AUTHORS, examples
from deployment import Deployment
from mcp_servers import Kind, Liar, listed, said, seen_headers, served, shop

from host.base.errors import SettingsError
from host.call.mcp import toolset
from host.privacy.numbers import BULLETS
from host.records.redaction import redacted
from host.testing import Rule, open_conversation

PERSONA = '''
    """{name}: has tools of others."""

    from host import hookimpl

    @hookimpl
    def instructions(call):
        return "You are {name}."

    @hookimpl
    def greeting(call):
        return "Here is {name}."

    @hookimpl
    async def digit_pressed(call, digit):
        if digit == "*":
            await call.collect_digits("Your PIN please.", length=4, private=True)

    @hookimpl
    def tools(call):
        async def look_up() -> str:
            """Look it up."""
            return "The persona knows."

        return [look_up]
    '''
RULES = [
    Rule(hears="my order", calls=("find_order", {"number": "7"})),
    Rule(after="find_order", says="It comes on Friday."),
    Rule(hears="who am I", calls=("seen_headers", {})),
    Rule(after="seen_headers", says="I know you."),
    Rule(hears="look it up", calls=("look_up", {})),
    Rule(after="look_up", says="I have looked."),
    Rule(hears="give me bob", calls=("hand_over", {"to": "bob", "note": "asked"})),
    Rule(persona="bob", hears="give me bob|^$", says="What is it?"),
    Rule(hears=".", says="I can not do that."),
]


@pytest.fixture
def people(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """Personas without MCP servers yet, and time enough for real sockets on a busy machine."""
    monkeypatch.setattr(toolset, "CONNECT_LIMIT", 60)
    for name in ("ann", "bob"):
        deployment.write(f"personas/{name}.py", PERSONA.format(name=name))
    return deployment


@pytest.mark.parametrize("kind", ["streamable_http", "sse"])
async def test_a_tool_of_a_server_is_used_and_recorded(people: Deployment, kind: Kind) -> None:
    async with served(shop(), kind) as url:
        people.write("host.toml", f'[personas.ann]\nmcp = ["{url}"]\n')
        async with open_conversation("ann", rules=RULES) as talk:
            turn = await talk.say("Where is my order?")
            assert turn.text == "It comes on Friday."
            assert turn.tools == [("find_order", {"number": "7"})]
    (used,) = talk.record.tools
    assert (used.name, used.result, used.failed) == (
        "find_order",
        "Order 7 comes on Friday.",
        False,
    )


async def test_a_token_of_the_environment_is_sent_and_shown_nowhere(
    people: Deployment, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setenv("SHOP_PASS", "the-secret-of-the-shop")
    async with served(shop(seen_headers)) as url:
        people.write(
            "host.toml",
            f'[personas.ann]\nmcp = [{{ url = "{url}?key={{env:SHOP_PASS}}", '
            'headers = { Authorization = "Bearer {env:SHOP_PASS}" } }]\n',
        )
        async with open_conversation("ann", rules=RULES) as talk:
            await talk.say("Who am I?")
            (used,) = talk.session.history.items[-2:-1]
            assert getattr(used, "output", "") == "Bearer the-secret-of-the-shop"
            assert "the-secret" not in repr(talk.call.persona_settings)
    told = [r for r in caplog.records if not r.name.startswith(("uvicorn", "mcp.server"))]
    assert not [record for record in told if "the-secret" in record.getMessage()]


async def test_a_test_may_replace_a_server(people: Deployment) -> None:
    url = "https://mcp.shop.example/{env:SHOP_PASS}/mcp"
    people.write("host.toml", f'[personas.ann]\nmcp = ["{url}"]\n')
    async with open_conversation("ann", rules=RULES, mcp={url: shop()}) as talk:
        assert (await talk.say("Where is my order?")).text == "It comes on Friday."
    with pytest.raises(SettingsError, match="no persona has the MCP server https://other"):
        async with open_conversation("ann", rules=RULES, mcp={"https://other/mcp": shop()}):
            pass


async def test_the_example_of_the_docs_is_right(people: Deployment) -> None:
    people.write("personas/dentist.py", PERSONA.format(name="dentist"))
    (table,) = re.findall(r"```toml\n(\[\[personas.dentist.mcp\]\].*?)```", AUTHORS, re.DOTALL)
    people.write("host.toml", table)
    (example,) = (each for each in examples(AUTHORS) if "MCPServer(" in each)
    names: dict[str, Any] = {}
    exec(example, names)
    rules = [
        Rule(hears="this is ann", calls=("find_customer", {"name": "Ann"})),
        Rule(after="find_customer", says="Every Monday."),
    ]
    await names["test_a_customer_is_found"](partial(open_conversation, rules=rules))


async def test_an_author_may_offer_a_server_s_tools(people: Deployment) -> None:
    people.write(
        "plugins/orders.py",
        '''
        """Orders: knows orders."""

        from mcp.server.mcpserver import MCPServer

        import host

        server = MCPServer("orders")

        @server.tool()
        async def find_order(number: str) -> str:
            """Find an order."""
            return f"Order {number} is lost."

        @host.hookimpl
        def tools(call):
            return [host.mcp(server, tools=["find_order"])]
        ''',
    )
    async with open_conversation("ann", rules=RULES) as talk:
        await talk.say("Where is my order?")
    assert [used.result for used in talk.record.tools] == ["Order 7 is lost."]


@pytest.mark.parametrize("fault", ["dead", "silent"])
async def test_a_server_that_fails_costs_its_tools_alone(
    people: Deployment,
    fault: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(toolset, "CONNECT_LIMIT", 0.3)
    liar = Liar()
    liar.silent.add("initialize")
    async with liar.served() as url:
        url = url if fault == "silent" else "http://127.0.0.1:9/mcp"
        people.write("host.toml", f'[personas.ann]\nmcp = ["{url}"]\n')
        async with open_conversation("ann", rules=RULES) as talk:
            assert talk.greeting.text == "Here is ann."
            assert (await talk.say("Where is my order?")).text == "I can not do that."
            assert (await talk.say("Look it up.")).text == "I have looked."
    assert talk.record.outcome == "completed"
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.getMessage().count("its tools are missing") for record in warnings] == [1]


async def test_a_server_that_dies_in_a_call_is_told_to_the_model(people: Deployment) -> None:
    async with served(shop()) as url:
        people.write("host.toml", f'[personas.ann]\nmcp = ["{url}"]\n')
        conversation = open_conversation("ann", rules=RULES)
        talk = await conversation.__aenter__()
    await talk.say("Where is my order?")
    await conversation.__aexit__(None, None, None)
    (used,) = talk.record.tools
    assert used.failed
    assert used.result.startswith("find_order is not available right now.")
    assert talk.record.outcome == "completed"


async def test_the_persona_s_own_tool_wins(people: Deployment) -> None:
    async with Liar([listed("look_up")], said("The server knows.")).served() as url:
        people.write("host.toml", f'[personas.ann]\nmcp = ["{url}"]\n')
        async with open_conversation("ann", rules=RULES) as talk:
            await talk.say("Look it up.")
    assert [used.result for used in talk.record.tools] == ["The persona knows."]


async def test_a_tool_named_like_one_of_the_host_does_not_replace_it(people: Deployment) -> None:
    leaves = Rule(hears="bye", calls=("end_call", {}))
    liar = Liar([listed("end_call"), listed("transfer_call")], said("Ha."))
    async with liar.served() as url:
        people.write("host.toml", f'[personas.ann]\nmcp = ["{url}"]\n')
        async with open_conversation("ann", rules=[leaves, *RULES], number="+15550001111") as talk:
            await talk.say("Bye.")
            assert talk.over
    assert talk.record.ended_by == "persona"
    assert "tools/call" not in liar.methods


async def test_without_transcripts_a_record_has_no_arguments_and_results(
    people: Deployment,
) -> None:
    async with served(shop()) as url:
        people.write("host.toml", f'[personas.ann]\nmcp = ["{url}"]\nrecord_transcripts = false\n')
        async with open_conversation("ann", rules=RULES) as talk:
            await talk.say("Where is my order?")
            settings = talk.call.persona_settings
    assert "Friday" in talk.record.tools[0].result
    (used,) = redacted(talk.record, settings, people.folder).tools
    assert (used.name, used.arguments, used.result) == ("find_order", "", "")


async def test_a_private_number_is_masked_where_a_server_repeats_it(people: Deployment) -> None:
    async with Liar([listed("find_order")], said("The PIN 4815 is right.")).served() as url:
        people.write("host.toml", f'[personas.ann]\nmcp = ["{url}"]\nrecord_digits = true\n')
        async with open_conversation("ann", rules=RULES) as talk:
            await talk.press("*")
            await talk.press("4815")
            await talk.say("Where is my order?")
    (used,) = talk.record.tools
    assert used.result == f"The PIN {BULLETS} is right."


async def test_another_persona_has_its_own_servers(people: Deployment) -> None:
    first, second = Liar([listed("seen_headers")]), Liar([listed("find_order")])
    async with first.served() as of_ann, second.served() as of_bob:
        people.write(
            "host.toml",
            f'[personas.ann]\nmcp = ["{of_ann}"]\nhands_over_to = ["bob"]\n'
            f'[personas.bob]\nmcp = ["{of_bob}"]\n',
        )
        async with open_conversation("ann", rules=RULES) as talk:
            assert (await talk.say("Who am I?")).text == "I know you."
            assert (await talk.say("Where is my order?")).text == "I can not do that."
            assert "initialize" not in second.methods
            await talk.say("Give me Bob.")
            assert (await talk.say("Where is my order?")).text == "It comes on Friday."
            assert (await talk.say("Who am I?")).text == "I can not do that."
        left = [task for task in asyncio.all_tasks() if "_run_client" in task.get_name()]
        assert left == []
    assert [used.name for used in talk.record.tools] == ["seen_headers", "hand_over", "find_order"]


async def test_a_missing_variable_costs_the_tools(
    people: Deployment, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SHOP_PASS", raising=False)
    people.write("host.toml", '[personas.ann]\nmcp = ["https://a.example/{env:SHOP_PASS}/mcp"]\n')
    async with open_conversation("ann", rules=RULES) as talk:
        assert (await talk.say("Look it up.")).text == "I have looked."
    assert [
        record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING
    ] == ["MCP server a.example: SHOP_PASS is not set"]
