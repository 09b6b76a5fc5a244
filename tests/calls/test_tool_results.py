"""The result of a tool is told once, whenever the caller speaks while the tool works."""

from __future__ import annotations

from typing import Any

import pytest

from host.local.phone import Line, PersonScript, PhoneCall
from host.records.outcome import Outcome
from host.settings import Words
from host.testing import Scene, heard, heard_once, not_heard

WORDS = Words()
FOUND, PAID = "Your order will arrive on Friday.", "Your invoice was paid in May."
NONE = "Sadly we know of no refund."
HOURS = (
    "We are open from nine in the morning to five in the afternoon, from Monday to Friday, "
    "and on Saturdays until noon."
)


def valid(requests: list[dict[str, Any]]) -> None:
    """Assert that in each request, every result of a tool directly follows its call, once."""
    for request in requests:
        called: list[str] = []
        for message in request["messages"]:
            if message["role"] == "tool":
                called.remove(message["tool_call_id"])
                continue
            assert not called, f"calls without a result: {request['messages']}"
            called = [call["id"] for call in message.get("tool_calls") or ()]
        assert not called


def told_once(call: PhoneCall, words: str) -> None:
    """Assert that words were heard to their end once; a start that the caller broke off is none."""
    assert len([found for found in heard(call, words) if found.whole]) == 1, words


async def asks(line: Line, question: str = "Where is my order?") -> None:
    await line.heard("good morning")
    await line.say(question)


async def listens(line: Line, words: str) -> None:
    """Hang up a while after the result, so that a second one would be heard."""
    await line.heard(words, 40)
    await line.wait(6)
    await line.hang_up()


def speaks(*what: tuple[float, str], after: str = FOUND) -> PersonScript:
    """A caller who asks for an order, and says more so many seconds later."""

    async def script(line: Line) -> None:
        await asks(line)
        for seconds, words in what:
            await line.wait(seconds)
            await line.say(words)
        await listens(line, after.rstrip("."))

    return script


async def speaks_into_the_filler(line: Line) -> None:
    await asks(line)
    await line.heard(WORDS.filler.split(",")[0].rstrip("."))
    await line.say("Hello?")
    await listens(line, FOUND.rstrip("."))


@pytest.mark.sample("filler")
@pytest.mark.parametrize(
    ("script", "answered"),
    [
        (speaks(), ""),
        (speaks((12, "Hello?")), "I am with you."),
        (speaks_into_the_filler, "I am with you."),
        (speaks((6, "Uh-huh.")), ""),
        (speaks((5, "What day is it?")), "Today is Monday."),
        (speaks((4, "Hello?"), (4, "What day is it?")), "Today is Monday."),
    ],
    ids=["says nothing", "before the end", "filler", "backchannel", "question", "twice"],
)
@pytest.mark.table(quick=3)
async def test_the_result_is_told_once(scene: Scene, script: PersonScript, answered: str) -> None:
    call = await scene.ring("looks", script)
    record = await scene.over(call, 90)
    heard_once(call, FOUND)
    if answered:
        heard_once(call, answered)
    not_heard(call, WORDS.silent)
    tools = [(tool.name, tool.result, tool.failed) for tool in record.tools]
    assert tools == [("find_order", "It comes on Friday.", False)]
    assert record.outcome is Outcome.COMPLETED
    valid(scene.world.llm.requests)


@pytest.mark.whole("memory has no realtime model")
async def test_a_realtime_model_tells_the_result_once_too(scene: Scene) -> None:
    call = await scene.ring("reallooks", speaks((8, "Hello?")))
    record = await scene.over(call, 90)
    heard_once(call, FOUND)
    heard_once(call, "I am with you.")
    tools = [(tool.name, tool.result, tool.failed) for tool in record.tools]
    assert tools == [("find_order", "It comes on Friday.", False)]
    assert record.outcome is Outcome.COMPLETED


@pytest.mark.corpus
@pytest.mark.memory("with real sound, no word meets the moment of a result")
@pytest.mark.parametrize("after", [round(14 + 0.3 * step, 1) for step in range(13)])
async def test_words_at_the_moment_of_the_result_do_not_lose_it(scene: Scene, after: float) -> None:
    call = await scene.ring("looks", speaks((after, "Hello?")))
    record = await scene.over(call, 90)
    told_once(call, FOUND)
    assert [(tool.name, tool.result) for tool in record.tools] == [
        ("find_order", "It comes on Friday.")
    ]
    valid(scene.world.llm.requests)


@pytest.mark.memory
@pytest.mark.parametrize("before", [0.5, 1.5, 2.5, 3.5])
@pytest.mark.table(quick=3)
async def test_a_result_that_is_there_before_its_announcement_is_over_is_told_once(
    scene: Scene, before: float
) -> None:
    async def talks_into_it(line: Line) -> None:
        await asks(line, "Was my invoice paid?")
        await line.sound()
        await line.wait(before)
        await line.say("What day is it?")
        await listens(line, PAID.rstrip("."))

    call = await scene.ring("looks", talks_into_it)
    record = await scene.over(call, 90)
    told_once(call, PAID)
    assert [(tool.name, tool.result) for tool in record.tools] == [
        ("find_invoice", "It was paid in May.")
    ]
    valid(scene.world.llm.requests)


@pytest.mark.memory
async def test_what_needs_no_reply_gets_none_when_it_is_interrupted(scene: Scene) -> None:
    async def talks_into_it(line: Line) -> None:
        await asks(line, "May I visit you?")
        await line.sound()
        await line.wait(2)
        await line.say("What day is it?")
        await listens(line, "today is monday")

    call = await scene.ring("looks", talks_into_it)
    record = await scene.over(call, 90)
    not_heard(call, "I should have said nothing.")
    heard_once(call, "Today is Monday.")
    assert [tool.result for tool in record.tools] == ["Noted."]


@pytest.mark.memory
async def test_a_failure_is_told_once(scene: Scene) -> None:
    async def talks(line: Line) -> None:
        await asks(line, "Where is my refund?")
        await line.wait(6)
        await line.say("Hello?")
        await listens(line, NONE.rstrip("."))

    call = await scene.ring("looks", talks)
    record = await scene.over(call, 90)
    heard_once(call, NONE)
    tools = [(tool.name, tool.result, tool.failed) for tool in record.tools]
    assert tools == [("find_refund", "There is no refund.", True)]
    valid(scene.world.llm.requests)


@pytest.mark.memory
async def test_a_tool_without_a_result_leaves_the_word_to_the_caller(scene: Scene) -> None:
    async def complains(line: Line) -> None:
        await asks(line, "I want to complain.")
        await line.wait(6)
        await line.say("Hello?")
        await line.heard("i am with you")
        await line.wait(14)
        await line.say("What day is it?")
        await listens(line, "today is monday")

    call = await scene.ring("looks", complains)
    record = await scene.over(call, 90)
    heard_once(call, "I am with you.")
    heard_once(call, "Today is Monday.")
    assert [(tool.name, tool.result, tool.failed) for tool in record.tools] == [
        ("note_complaint", "", False)
    ]
    valid(scene.world.llm.requests)


@pytest.mark.memory
async def test_a_caller_who_hangs_up_before_the_result_leaves_a_tool_without_one(
    scene: Scene,
) -> None:
    async def gives_up(line: Line) -> None:
        await asks(line)
        await line.wait(4)
        await line.say("Hello?")
        await line.heard("i am with you")
        await line.hang_up()

    call = await scene.ring("looks", gives_up)
    record = await scene.over(call, 60)
    assert [(tool.name, tool.result) for tool in record.tools] == [("find_order", "")]
    assert (record.outcome, record.ended_by) == (Outcome.COMPLETED, "far end")


@pytest.mark.memory
@pytest.mark.parametrize(
    ("question", "result", "recorded"),
    [
        ("Where is your shop?", "Our shop is in Main Street.", "It is in Main Street."),
        ("What about all orders?", "I have them now, three orders.", "There are three."),
    ],
    ids=["uninterruptible", "with an update"],
)
async def test_a_tool_that_uses_its_context_has_its_result_told(
    scene: Scene, question: str, result: str, recorded: str
) -> None:
    async def talks(line: Line) -> None:
        await asks(line, question)
        await line.wait(8)
        await line.say("What day is it?")
        await line.wait(14)
        await line.hang_up()

    call = await scene.ring("looks", talks)
    record = await scene.over(call, 90)
    heard_once(call, "Today is Monday.")
    told_once(call, result)
    assert [tool.result for tool in record.tools] == [recorded]
    valid(scene.world.llm.requests)


@pytest.mark.memory
async def test_words_into_a_tool_that_asks_for_keys_do_not_lose_its_result(scene: Scene) -> None:
    async def keys_in(line: Line) -> None:
        await asks(line, "Is my pin right?")
        await line.heard("your pin please")
        await line.say("Hello?")
        await line.wait(2)
        await line.press("4711")
        await listens(line, "your pin is all right")

    call = await scene.ring("looks", keys_in)
    record = await scene.over(call, 90)
    heard_once(call, "Your PIN is all right.")
    not_heard(call, "I am with you.")
    assert [tool.result for tool in record.tools] == ["The PIN is 4711."]


@pytest.mark.memory
async def test_words_to_a_task_inside_a_tool_belong_to_the_task(scene: Scene) -> None:
    async def is_asked(line: Line) -> None:
        await asks(line, "Do you know me?")
        await line.heard("what is your name")
        await line.say("I am Ann.")
        await listens(line, "now i know you")

    call = await scene.ring("looks", is_asked)
    record = await scene.over(call, 90)
    heard_once(call, "Now I know you.")
    assert [tool.result for tool in record.tools] == ["The name is I am Ann."]
    valid(scene.world.llm.requests)


@pytest.mark.memory
async def test_a_reply_that_was_heard_for_a_while_is_not_begun_again(scene: Scene) -> None:
    async def has_heard_enough(line: Line) -> None:
        await asks(line, "When will you be open?")
        await line.sound()
        await line.wait(4)
        await line.say("What day is it?")
        await listens(line, "today is monday")

    call = await scene.ring("looks", has_heard_enough)
    await scene.over(call, 90)
    (hours,) = heard(call, HOURS)
    assert not hours.whole


@pytest.mark.memory
async def test_a_caller_who_was_answered_is_not_left_in_silence_until_the_result(
    scene: Scene,
) -> None:
    async def asks_twice(line: Line) -> None:
        await asks(line, "Where is my refund?")
        await line.wait(2.5)
        await line.say("What day is it?")
        await listens(line, NONE.rstrip("."))

    call = await scene.ring("looks", asks_twice)
    await scene.over(call, 90)
    answer, result = heard_once(call, "Today is Monday."), heard_once(call, NONE)
    fillers = [found.start for found in heard(call, WORDS.filler)]
    assert any(answer.end + 7 < start < result.start for start in fillers)
    assert not any(answer.end < start < answer.end + 7 for start in fillers)


@pytest.mark.memory
async def test_a_result_waits_until_the_host_has_asked_its_own_question(scene: Scene) -> None:
    async def keys_in(line: Line) -> None:
        await asks(line)
        await line.wait(3)
        await line.say("Hello?")
        await line.heard("i am with you")
        await line.wait(5)
        await line.press("*")
        await line.heard("your number please")
        await line.press("47")
        await line.wait(3)
        await line.press("1")
        await line.wait(3)
        await line.press("1")
        await listens(line, FOUND.rstrip("."))

    call = await scene.ring("looks", keys_in)
    record = await scene.over(call, 90)
    assert heard_once(call, FOUND).start > heard_once(call, "Thank you for the number.").end
    assert [tool.result for tool in record.tools] == ["It comes on Friday."]
    assert "".join(key.digit for key in record.keys) == "*4711"


@pytest.mark.memory
async def test_a_result_waits_for_a_caller_who_has_put_the_call_on_hold(scene: Scene) -> None:
    async def is_called_away(line: Line) -> None:
        await asks(line)
        await line.wait(3)
        await line.say("One moment please.")
        await line.wait(20)
        await line.say("I am back again.")
        await listens(line, FOUND.rstrip("."))

    call = await scene.ring("looks", is_called_away)
    record = await scene.over(call, 90)
    assert heard_once(call, FOUND).start > 24
    assert [tool.result for tool in record.tools] == ["It comes on Friday."]


@pytest.mark.memory
@pytest.mark.parametrize(
    ("words", "then"),
    [("", "This is the next one."), ("What day is it?", "You stay with me.")],
    ids=["says nothing", "question"],
)
async def test_a_tool_hands_over_to_another_agent_unless_the_caller_asks_something(
    scene: Scene, words: str, then: str
) -> None:
    async def talks(line: Line) -> None:
        await asks(line, "Give me somebody else.")
        if words:
            await line.wait(4)
            await line.say(words)
        await listens(line, then.rstrip("."))

    call = await scene.ring("looks", talks)
    record = await scene.over(call, 60)
    heard_once(call, then)
    assert [tool.name for tool in record.tools] == ["pass_on"]
    valid(scene.world.llm.requests)
