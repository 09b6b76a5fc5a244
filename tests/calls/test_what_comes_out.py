"""What comes out of a call: its results and the reference of who asked for it, wherever both go."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from api_in_memory import have_no_processes, over, the_api
from scene import a_number, checkpoints_of, host_calls, kill_its_process
from stored import rows_of

from host.dispatch.place import metadata_of, place
from host.local.phone import Line, PhoneCall, Telephone
from host.privacy import Pseudonyms
from host.records.outcome import Outcome
from host.records.record import CallRecord
from host.server.api.schemas import AskedCall, WantedCall
from host.testing import Scene, heard_once

WORDS = "please go on"


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    have_no_processes(monkeypatch)


async def wants_monday(line: Line) -> None:
    await line.heard("which day suits you")
    await line.say("On Monday please.")
    await line.heard("monday it is then")
    await line.hang_up()


async def called(scene: Scene, script: Any, key: str, reference: str) -> tuple[PhoneCall, str]:
    """Have `books` call a telephone, for a request with this key and reference."""
    number = a_number(scene, Telephone(script=script))
    metadata = metadata_of(scene.settings, "books", number, {}, key, reference)
    await place(scene.settings, metadata)
    return await scene.exchange.call_to(number), number


def booking(scene: Scene, number: str, reference: str) -> dict[str, Any]:
    """What `books` puts into the results, as the record of a call to a number has it."""
    return {"booking": {"day": "Monday", "phone": masked(number), "asked_by": reference}}


def masked(number: str) -> str:
    return f"+1…{number[-2:]}"


@pytest.mark.memory
async def test_a_result_and_a_reference_are_in_the_record_and_the_call_is_found_by_it(
    scene: Scene,
) -> None:
    call, number = await called(scene, wants_monday, "order-7", "L-17")
    record = await scene.over(call)
    assert (record.reference, record.idempotency_key) == ("L-17", "order-7")
    assert record.results == booking(scene, number, "L-17")
    [row] = rows_of(scene.folder / "calls.db", "SELECT * FROM calls WHERE reference = ?", "L-17")
    assert (row["id"], row["idempotency_key"]) == (record.id, "order-7")
    assert json.loads(row["results"]) == record.results
    other, _ = await called(scene, wants_monday, "order-8", "L-18")
    await scene.over(other)
    found = json.loads(host_calls(scene, "--reference", "L-17", "--json"))["calls"]
    assert [CallRecord.model_validate(each) for each in found] == [record]
    shown = host_calls(scene, "show", record.id)
    assert "reference   L-17\n" in shown
    assert 'booking     {"day": "Monday", ' in shown


@pytest.mark.memory
async def test_a_number_in_a_reference_is_masked_and_finds_the_call_all_the_same(
    scene: Scene,
) -> None:
    number = a_number(scene, Telephone(script=wants_monday))
    reference = f"lead-{number[1:]}"
    metadata = metadata_of(scene.settings, "books", number, {}, None, reference)
    await place(scene.settings, metadata)
    record = await scene.over(await scene.exchange.call_to(number))
    assert record.reference == f"lead-{Pseudonyms(scene.settings.state_dir).of(number)}"
    assert number[1:] not in record.model_dump_json()
    found = json.loads(host_calls(scene, "--reference", reference, "--json"))["calls"]
    assert [each["id"] for each in found] == [record.id]


async def test_results_outlive_the_process_of_the_call(scene: Scene) -> None:
    async def goes_on(line: Line) -> None:
        await line.heard("which day suits you")
        await line.say("On Monday please.")
        await line.heard(WORDS, 40)
        await line.hang_up()

    number = a_number(scene, Telephone(script=goes_on))
    metadata = metadata_of(scene.settings, "books", number, {}, "order-7", "L-17")
    placing = asyncio.create_task(place(scene.settings, metadata))
    call = await scene.exchange.call_to(number)
    await call.pulse.until(lambda: _kept(scene, call), 40, "a checkpoint with the booking")
    kill_its_process(scene, call.room)
    record = await scene.over(call)
    await placing
    heard_once(call, "Which day suits you?")
    assert (record.outcome, record.taken_over) == (Outcome.COMPLETED, 1)
    assert (record.reference, record.idempotency_key) == ("L-17", "order-7")
    assert record.results == booking(scene, number, "L-17")


@pytest.mark.memory
async def test_who_asks_at_the_moment_of_the_end_is_told_no_end_without_results(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with the_api(scene) as placing:
        told = []
        end = placing.store.end

        def notes_what_is_told(asked: AskedCall) -> None:
            told.append(placing.live[asked.id].status)
            end(asked)

        monkeypatch.setattr(placing.store, "end", notes_what_is_told)
        number = a_number(scene, Telephone(script=wants_monday))
        asked = await placing.ask(WantedCall(persona="books", number=number))
        record = await scene.over(await scene.exchange.call_to(number))
        seen = await over(placing, asked.id)
        assert (told, seen.results) == (["active"], record.results)


@pytest.mark.memory
async def test_a_call_whose_processes_die_is_recorded_with_its_results(scene: Scene) -> None:
    async def stays(line: Line) -> None:
        await line.heard("which day suits you")
        await line.say("On Monday please.")
        await line.stay()

    async with the_api(scene) as placing:
        number = a_number(scene, Telephone(script=stays))
        wanted = WantedCall(persona="books", number=number, reference="L-17")
        asked = await placing.ask(wanted)
        call = await scene.exchange.call_to(number)
        await call.pulse.until(lambda: _kept(scene, call), 40, "a checkpoint with the booking")
        kill_its_process(scene, call.room)
        await call.pulse.until(lambda: _taken_over(scene, call), 20, "the second process")
        kill_its_process(scene, call.room)
        record = await scene.over(call)
        assert (record.outcome, record.reason) == (Outcome.FAILED, "the call's process died")
        assert (record.reference, record.idempotency_key) == ("L-17", f"api-{asked.id}")
        assert record.results == booking(scene, number, "L-17")
        told = await over(placing, asked.id)
        assert (told.status, told.reference, told.idempotency_key) == ("over", "L-17", None)
        assert told.results == record.results


@pytest.mark.memory
async def test_the_api_tells_of_results_as_the_record_does(scene: Scene) -> None:
    async with the_api(scene) as placing:
        number = a_number(scene, Telephone(script=wants_monday))
        reference = f"{number} of L-17"
        wanted = WantedCall(
            persona="books", number=number, reference=reference, idempotency_key="order-7"
        )
        asked = await placing.ask(wanted)
        assert asked.results == {}
        record = await scene.over(await scene.exchange.call_to(number))
        told = await over(placing, asked.id)
        again = await placing.ask(wanted)
    assert told.results == record.results != {}
    assert (told.reference, told.idempotency_key) == (record.reference, "order-7")
    assert told.reference == f"{Pseudonyms(scene.settings.state_dir).of(number)} of L-17"
    assert again == told
    assert number.encode() not in (scene.settings.state_dir / "state.db").read_bytes()


@pytest.mark.memory
async def test_the_persona_of_the_docs_books_an_appointment(scene: Scene) -> None:
    async def books(line: Line) -> None:
        await line.heard("this is the dentist")
        await line.say("I would like an appointment please.")
        await line.heard("booked for monday")
        await line.hang_up()

    call = await scene.ring("dentist", books)
    record = await scene.over(call)
    heard_once(call, "You are booked for Monday.")
    assert record.results == {"appointment": {"day": "Monday"}}


def _kept(scene: Scene, call: PhoneCall) -> bool:
    return any("booking" in each["state"]["results"] for each in checkpoints_of(scene, call.room))


def _taken_over(scene: Scene, call: PhoneCall) -> bool:
    return any(
        each["state"]["taken_over"] and each["state"]["greeted"]
        for each in checkpoints_of(scene, call.room)
    )
