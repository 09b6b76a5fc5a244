"""LiveKit's own OpenAI plugin and its machine detection, against a model of rules."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Literal

import aiohttp
import openai
import pytest
from livekit.agents import APIConnectOptions, APIStatusError, APITimeoutError, llm
from livekit.agents.voice.amd.classifier import AMDPredictionEvent, _AMDClassifier
from livekit.plugins import openai as plugin

from host.local.llm import LlmServer
from host.local.rules import Rule, kind_of_greeting
from host.speech.tool_results import UNTOLD

ONCE = APIConnectOptions(max_retry=0, timeout=5)
RULES = [
    Rule(hears="opening hours", about="dentist", says="We are open from nine to five."),
    Rule(hears="opening hours", says="We never close."),
    Rule(hears="book", calls=("book", {"day": "Tuesday"})),
    Rule(hears="book", says="I can't book here."),
    Rule(after="book", says="You are booked for Tuesday."),
    Rule(hears="^$", says="Hello, this is Molar Dental."),
]


@pytest.fixture
async def server() -> AsyncIterator[LlmServer]:
    async with LlmServer(RULES) as server:
        yield server


@pytest.fixture
async def model(server: LlmServer) -> AsyncIterator[plugin.LLM]:
    model = model_of(server)
    yield model
    await model.aclose()


def model_of(server: LlmServer, key: str = "any") -> plugin.LLM:
    return plugin.LLM(model="rules", base_url=f"{server.url}/v1", api_key=key)


@llm.function_tool
async def book(day: str) -> str:
    """Book an appointment."""
    return f"booked for {day}"


@llm.function_tool
async def end_call() -> None:
    """Hang up."""


@llm.function_tool
async def transfer_call(to: Literal["billing", "front desk"]) -> None:
    """Put the caller through."""


def talk(*said: str, instructions: str = "Be brief.") -> llm.ChatContext:
    """Instructions, and what user and agent said in turns, the user first."""
    context = llm.ChatContext.empty()
    context.add_message(role="system", content=instructions)
    for at, text in enumerate(said):
        context.add_message(role="assistant" if at % 2 else "user", content=text)
    return context


async def reply(
    model: llm.LLM[Any], context: llm.ChatContext, *tools: llm.Tool
) -> llm.CollectedResponse:
    async with asyncio.timeout(20):
        stream = model.chat(chat_ctx=context, tools=list(tools), conn_options=ONCE)
        return await stream.collect()


async def test_the_first_rule_that_fits_answers(model: plugin.LLM) -> None:
    asked = "What are your opening hours?"
    there = await reply(model, talk(asked, instructions="You answer for a dentist."))
    assert there.text == "We are open from nine to five."
    assert (await reply(model, talk(asked))).text == "We never close."


async def test_only_what_was_said_last_counts(model: plugin.LLM) -> None:
    context = talk("What are your opening hours?", "We never close.", "Mumble.")
    assert (await reply(model, context)).text == "Sorry, could you say that again?"


async def test_where_nobody_has_spoken_yet_the_model_opens(model: plugin.LLM) -> None:
    assert (await reply(model, talk())).text == "Hello, this is Molar Dental."


async def test_a_tool_is_called_where_it_is_offered_and_its_result_is_told(
    model: plugin.LLM,
) -> None:
    context = talk("Please book something.")
    assert (await reply(model, context)).text == "I can't book here."
    (call,) = (await reply(model, context, book)).tool_calls
    assert (call.name, call.arguments) == ("book", '{"day": "Tuesday"}')
    context.insert(llm.FunctionCall(call_id=call.call_id, name="book", arguments=call.arguments))
    context.insert(
        llm.FunctionCallOutput(call_id=call.call_id, name="book", output="ok", is_error=False)
    )
    assert (await reply(model, context, book)).text == "You are booked for Tuesday."


@pytest.mark.parametrize("said", ["Goodbye.", "Thank you, bye!"])
async def test_everybody_hangs_up_after_a_goodbye(said: str, model: plugin.LLM) -> None:
    (call,) = (await reply(model, talk(said), end_call)).tool_calls
    assert call.name == "end_call"
    assert not (await reply(model, talk(said))).tool_calls


@pytest.mark.parametrize(
    ("said", "to"),
    [
        ("Transfer me to the front desk.", "front desk"),
        ("Can you put me through to Billing, please?", "billing"),
    ],
)
async def test_everybody_puts_through_to_whom_it_can(said: str, to: str, model: plugin.LLM) -> None:
    (call,) = (await reply(model, talk(said), transfer_call)).tool_calls
    assert call.name == "transfer_call"
    assert to in call.arguments


async def test_to_whom_it_can_not_put_through_it_says_so(model: plugin.LLM) -> None:
    answer = await reply(model, talk("Put me through to the president."), transfer_call)
    assert not answer.tool_calls
    assert answer.text


@pytest.mark.parametrize(
    ("since", "text"),
    [
        (["I am with you."], "You are booked for Tuesday."),
        (["You are booked for"], "You are booked for Tuesday."),
        (["Yes. You are booked for Tuesday."], ""),
    ],
    ids=["untold", "broken off", "told"],
)
async def test_a_result_that_is_asked_for_again_is_told_unless_it_was(
    since: list[str], text: str, model: plugin.LLM
) -> None:
    context = talk("Book Tuesday.")
    call = llm.FunctionCall(call_id="1", name="book", arguments="{}")
    result = llm.FunctionCallOutput(call_id="1", name="book", output="booked", is_error=False)
    context.items += [call, result]
    context.add_message(role="user", content="Hello?")
    for said in since:
        context.add_message(role="assistant", content=said)
    context.add_message(role="system", content=UNTOLD.format(ids=["0", "1"]))
    assert (await reply(model, context, book)).text == text


async def test_words_come_one_by_one_and_are_counted(model: plugin.LLM) -> None:
    chunks = []
    async with model.chat(chat_ctx=talk("opening hours"), conn_options=ONCE) as stream:
        async for chunk in stream:
            chunks.append(chunk)
    words = [chunk.delta.content for chunk in chunks if chunk.delta and chunk.delta.content]
    assert words == ["We ", "never ", "close."]
    assert chunks[-1].usage
    assert chunks[-1].usage.completion_tokens == 3


async def test_an_answer_comes_whole_to_who_does_not_stream(server: LlmServer) -> None:
    async with openai.AsyncOpenAI(base_url=f"{server.url}/v1", api_key="any") as client:
        answer = await client.chat.completions.create(
            model="rules", messages=[{"role": "user", "content": "opening hours?"}]
        )
        assert answer.choices[0].message.content == "We never close."
        assert answer.usage
        assert answer.usage.total_tokens > 0
        assert [each.id async for each in client.models.list()]
    assert server.requests[0]["messages"][0]["content"] == "opening hours?"


async def test_a_wrong_key_is_refused_as_openai_does(server: LlmServer) -> None:
    async with model_of(server, key="wrong") as model:
        with pytest.raises(APIStatusError) as refused:
            await reply(model, talk("Hello"))
    assert refused.value.status_code == 401


async def test_a_failure_has_the_status_that_was_asked_for(
    server: LlmServer, model: plugin.LLM
) -> None:
    server.fail_with = 503
    with pytest.raises(APIStatusError) as failed:
        await reply(model, talk("Hello"))
    assert failed.value.status_code == 503


async def test_a_model_that_hangs_runs_into_the_timeout(
    server: LlmServer, model: plugin.LLM
) -> None:
    server.hang = True
    impatient = APIConnectOptions(max_retry=0, timeout=0.3)
    with pytest.raises(APITimeoutError):
        await model.chat(chat_ctx=talk("Hello"), conn_options=impatient).collect()


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"messages": 3}'])
async def test_a_request_that_makes_no_sense_is_refused(body: bytes, server: LlmServer) -> None:
    address, headers = f"{server.url}/v1/chat/completions", {"Authorization": "Bearer any"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(address, data=body, headers=headers) as answer,
    ):
        assert answer.status == 400


GREETINGS = {
    "machine-unavailable": [
        "The person you called has a voice mailbox that hasn't been set up yet. Goodbye.",
        "The mailbox is full and cannot accept any messages at this time.",
        "The voicemail box has not been set up. Please try again later.",
    ],
    "machine-vm": [
        "You have reached the voicemail of Ann. Please leave a message after the tone.",
        "I'm away from my desk. If you leave a message, I will get back to you.",
        "Sorry, I can't take your call. Speak after the beep.",
        "Please leave your name and number.",
    ],
    "machine-ivr": [
        "Thank you for calling Truly Pizza. To place an order, please press 1.",
        "Please state your name and why you're calling, and I will see if Ann is available.",
        "Please say your name and why you are calling.",
        "For sales, press two.",
    ],
    "human": ["Hello?", "Hello, this is Lisa.", "Yes? Who is calling?", "I'm full up, what is it?"],
}


@pytest.mark.parametrize(
    ("greeting", "kind"), [(g, kind) for kind, each in GREETINGS.items() for g in each]
)
def test_what_answered_is_told_by_its_greeting(greeting: str, kind: str) -> None:
    assert kind_of_greeting(greeting) == kind


@pytest.mark.parametrize("kind", GREETINGS)
async def test_livekits_machine_detection_gets_its_verdict(kind: str, model: plugin.LLM) -> None:
    classifier = _AMDClassifier(model, machine_silence_threshold=0.1, max_endpointing_delay=0.2)
    verdict: asyncio.Future[AMDPredictionEvent] = asyncio.get_running_loop().create_future()
    classifier.on("amd_prediction", verdict.set_result)
    classifier.start_listening()
    classifier.on_user_speech_started()
    classifier.push_text(GREETINGS[kind][0])
    classifier.on_user_speech_ended(0.0)
    assert (await asyncio.wait_for(verdict, 20)).category == kind
    await classifier.close()
