"""What those who follow events are told of a call while it goes on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from canaries import found_in
from in_memory.world import MemoryScene
from people import asks_two_personas, pays
from scene import a_memory_scene, a_number, kill_its_process, until_greeting_is_kept
from test_listening_in import greeted
from test_stepping_in import taking_over

from host.call.unrecorded import MARK
from host.dispatch.place import metadata_of, place
from host.local.phone import Busy, Line, Telephone
from host.privacy import Pseudonyms
from host.records.outcome import Outcome
from host.records.record import CallRecord
from host.runner.checkpoint import DIED, CheckpointStore
from host.server.events import Changes, EventStream, receiving
from host.testing import Scene

pytestmark = pytest.mark.memory

TOLD_BEFORE = {"transcript", "tools", "keys", "menus"}


CLOSED = {"HOST_RECORD_TRANSCRIPTS": "false", "HOST_RECORD_NUMBERS": "false"}


@pytest.fixture
async def scene(
    deployment_in_memory: Path, tmp_path: Path, virtual_clock: None, request: pytest.FixtureRequest
) -> AsyncIterator[MemoryScene]:
    """A host in memory, with the settings of the test's parameter."""
    more = request.param if hasattr(request, "param") else {}
    async with a_memory_scene(tmp_path, deployment_in_memory, "now", more=more) as scene:
        yield scene


@pytest.fixture
async def stream(scene: Scene) -> AsyncIterator[EventStream]:
    """What the calls of the host tell."""
    stream = EventStream()
    async with receiving(stream):
        yield stream
        await asyncio.sleep(1)  # the last call closes its connection


async def told(stream: EventStream, call: str | None = None) -> list[dict[str, Any]]:
    """What is told of a call, from its begin to its end."""
    events: list[dict[str, Any]] = []
    async with asyncio.timeout(60):
        async for event in stream.follow("0", call):
            events.append(json.loads(event.text))
            if event.type == "call.ended":
                return events[1:]  # the first one is `events.missed`
    raise AssertionError


async def until(stream: EventStream, type: str, **data: Any) -> None:
    """Wait until something is told."""
    async with asyncio.timeout(10):
        async for event in stream.follow("0"):
            if event.type == type and data.items() <= json.loads(event.text)["data"].items():
                return


def types(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"].removeprefix("call.") for event in events]


def of(events: list[dict[str, Any]], *wanted: str) -> Iterator[dict[str, Any]]:
    """The data of the events of some types."""
    return (each["data"] for each in events if each["type"].removeprefix("call.") in wanted)


def lines(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(line["who"], line["text"]) for line in of(events, "transcript")]


def said(record: CallRecord) -> list[tuple[str, str]]:
    return [(line.who, line.text) for line in record.transcript]


async def talks(line: Line) -> None:
    await line.heard("which day suits you")
    await line.say("On Monday please.")
    await line.heard("monday it is then")
    await line.hang_up()


async def test_a_call_is_told_of_from_its_start_to_its_record(
    scene: Scene, stream: EventStream
) -> None:
    number = a_number(scene, Telephone(answer_after=3.0, script=talks))
    metadata = metadata_of(scene.settings, "books", number, {}, "order-7", "L-17")
    await place(scene.settings, metadata)
    record = await scene.over(await scene.exchange.call_to(number))
    events = await told(stream, record.id)
    of_all = [type for type in types(events) if type not in ("transcript", "status")]
    assert of_all == ["started", "answered", "tool_started", "tool_ended", "ended"]
    statuses = [data["status"] for data in of(events, "status")]
    assert statuses == ["queued", "dialing", "ringing", "active", "ending"]
    started, answered, ended = of(events, "started", "answered", "ended")
    assert (started["reference"], started["answered_at"]) == ("L-17", None)
    assert answered["answered_at"] == ended["answered_at"]
    assert lines(events) == said(record)
    assert [line["position"] for line in of(events, "transcript")] == [*range(len(said(record)))]
    assert {data["id"] for data in of(events, *types(events))} == {record.id}
    assert ended == record.model_dump(mode="json", exclude=TOLD_BEFORE)


async def test_a_line_is_told_while_the_call_goes_on(scene: Scene, stream: EventStream) -> None:
    async def asks(line: Line) -> None:
        await line.heard("which day suits you")
        await until(stream, "call.transcript", who="persona", text="Which day suits you?")
        await line.say("On Monday please.")
        await until(stream, "call.tool_ended", name="book", failed=False)
        await line.heard("monday it is then")
        await until(stream, "call.transcript", who="caller", text="On Monday please.")
        await line.hang_up()

    record = await scene.over(await scene.ring("books", asks))
    assert record.outcome is Outcome.COMPLETED


async def test_the_console_is_told_of_words_tools_and_keys_once_the_checkpoint_has_them(
    scene: Scene,
) -> None:
    changes = Changes()

    async def until_kept(text: str) -> None:
        """Wait for a change after which the call's checkpoint has a text."""
        folder = CheckpointStore(scene.settings.state_dir).folder
        with changes.watched(None, "me") as watcher:
            async with asyncio.timeout(10):
                while True:
                    number = changes.number
                    await watcher.changed(0, 10)
                    assert changes.number > number
                    if any(text in file.read_text() for file in folder.glob("*.json")):
                        return

    async def asks(line: Line) -> None:
        await line.heard("which day suits you")
        waiting = asyncio.create_task(until_kept('"On Monday please."'))
        used = asyncio.create_task(until_kept('"name":"book"'))
        await line.say("On Monday please.")
        await waiting
        await used
        await line.heard("monday it is then")
        waiting = asyncio.create_task(until_kept('"digit":'))
        await line.press("5")
        await waiting
        await line.hang_up()

    async with receiving(None, changes):
        record = await scene.over(await scene.ring("books", asks))
        await asyncio.sleep(1)  # the call closes its connection
    assert record.outcome is Outcome.COMPLETED


async def test_tools_and_handovers_are_told_in_their_order(
    scene: Scene, stream: EventStream
) -> None:
    record = await scene.over(await scene.ring("lobby", asks_two_personas))
    events = await told(stream)
    story = [each for each in types(events) if each.startswith(("tool", "handed"))]
    used = ["tool_started", "tool_ended"]
    assert story[:2] == story[-2:] == used
    assert sorted(story[2:-2]) == ["handed_over", *sorted(used)]
    [handover] = of(events, "handed_over")
    assert (handover["from"], handover["persona"]) == ("lobby", "workshop")
    begun, ended = of(events, "tool_started"), of(events, "tool_ended")
    for first, last, use in zip(begun, ended, record.tools, strict=True):
        assert first["tool"] == last["tool"]
        assert (first["name"], first["arguments"]) == (use.name, use.arguments)
        assert (last["result"], last["failed"]) == (use.result, use.failed)
    spoke = {line["text"]: line["persona"] for line in of(events, "transcript")}
    assert spoke["There are two red cars outside."] == "lobby"
    assert spoke["The lift is free on Thursday."] == "workshop"
    assert lines(events) == said(record)


@pytest.mark.usefixtures("threads_that_the_clock_waits_for")
async def test_an_operator_who_has_taken_a_call_over_is_told_of(
    scene: MemoryScene, stream: EventStream
) -> None:
    call = await scene.ring("desk", Line.stay)
    async with taking_over(scene, await greeted(scene, call)):
        await until(stream, "call.operator_began")
    await until(stream, "call.operator_ended", ended="handed back")
    await call.hang_up()
    await scene.over(call)
    told_of = [each for each in types(await told(stream)) if each.startswith("operator")]
    assert told_of == ["operator_began", "operator_ended"]


async def test_a_call_that_nobody_answers_is_not_told_of_as_answered(
    scene: Scene, stream: EventStream
) -> None:
    _, _, record = await scene.place_to(Busy(), "books")
    events = await told(stream, record.id)
    assert [type for type in types(events) if type != "status"] == ["started", "ended"]
    assert next(of(events, "ended"))["outcome"] == "busy"


async def test_a_call_that_is_refused_has_only_its_end(scene: Scene, stream: EventStream) -> None:
    async def calls(line: Line) -> None:
        await line.heard("one call a day")
        await line.hang_up()

    await scene.over(await scene.ring("scarce", calls))
    refused = await scene.over(await scene.ring("scarce", calls))
    assert refused.outcome is Outcome.REFUSED
    assert types(await told(stream, refused.id)) == ["ended"]


async def test_a_call_that_is_taken_over_is_told_of_once(scene: Scene, stream: EventStream) -> None:
    async def goes_on(line: Line) -> None:
        await line.heard("please go on", 40)
        await line.hang_up()

    call = await scene.ring("books", goes_on)
    await until_greeting_is_kept(scene, call)
    await until(stream, "call.transcript", who="persona")
    kill_its_process(scene, call.room)
    record = await scene.over(call)
    assert record.taken_over == 1
    events = await told(stream, record.id)
    for once in ("started", "answered", "ended"):
        assert types(events).count(once) == 1, once
    assert lines(events) == said(record)


async def test_a_call_whose_process_died_for_good_is_told_of_as_ended(
    scene: Scene, stream: EventStream
) -> None:
    call = await scene.ring("firm", Line.stay)  # it is not taken over
    await until(stream, "call.transcript", who="persona")
    kill_its_process(scene, call.room)
    record = await scene.over(call)
    assert (record.outcome, record.reason) == (Outcome.FAILED, DIED)
    events = await told(stream, record.id)
    assert types(events).count("started") == 1
    assert next(of(events, "ended"))["outcome"] == "failed"
    assert lines(events) == said(record)


async def test_what_is_off_the_record_is_in_no_event(scene: Scene, stream: EventStream) -> None:
    record = await scene.over(await scene.ring("payer", pays))
    events = await told(stream)
    assert lines(events) == said(record)
    assert ("caller", MARK) in lines(events)
    assert {use["result"] for use in of(events, "tool_ended")} == {""}
    assert found_in(json.dumps(events).encode()) == []


async def test_what_was_said_before_a_recording_is_discarded_is_told_no_more(
    scene: MemoryScene, stream: EventStream
) -> None:
    async def refuses(line: Line) -> None:
        await line.heard("which day suits you")
        await line.say("On Monday please.")
        await line.heard("monday it is then")
        await until(stream, "call.transcript", text="On Monday please.")
        await scene.memory.call_in(line.call.room).call.stop_recording(discard=True)
        await until(stream, "call.recording_discarded")
        await line.hang_up()

    record = await scene.over(await scene.ring("books", refuses))
    events = await told(stream)
    assert "On Monday please." not in json.dumps(events)
    assert "Monday" not in "".join(text for _, text in lines(events))
    assert record.recording_discarded
    assert not [*of(events, "tool_started", "tool_ended")]


async def test_nothing_is_told_that_another_persona_may_yet_keep_out_of_the_record(
    scene: Scene, stream: EventStream
) -> None:
    async def asks(line: Line) -> None:
        await line.heard("how can i help you")
        await line.say("Is anybody there?")
        await line.hang_up()

    record = await scene.over(await scene.ring("reception", asks))
    assert said(record), "it was not handed over to fluent, which has `record_transcripts = false`"
    assert lines(await told(stream)) == []


@pytest.mark.parametrize("scene", [CLOSED], indirect=True, ids=["closed"])
async def test_events_open_no_more_than_the_record(scene: Scene, stream: EventStream) -> None:
    number = a_number(scene, Telephone(script=talks))
    await place(scene.settings, metadata_of(scene.settings, "books", number, {}, "k"))
    record = await scene.over(await scene.exchange.call_to(number))
    events = await told(stream, record.id)
    assert "transcript" not in types(events)
    uses = [*of(events, "tool_started", "tool_ended")]
    assert [use["name"] for use in uses] == ["book", "book"]
    for use in uses:
        assert use.get("arguments", "") == use.get("result", "") == ""
    assert next(of(events, "started"))["number"] == Pseudonyms(scene.settings.state_dir).of(number)
    assert number.removeprefix("+") not in json.dumps(events)
