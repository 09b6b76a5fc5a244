"""What comes out of a call of several personas, and who of them concludes."""

from __future__ import annotations

import pytest
from api_in_memory import have_no_processes, over, the_api
from scene import a_number, checkpoints_of, host_calls
from scene import asked_to_conclude as asked
from stored import stored

from host.compliance import Gate, Rule
from host.local.phone import Line, Telephone
from host.privacy import Pseudonyms
from host.records.record import CallRecord
from host.server.api.schemas import WantedCall
from host.testing import Scene

pytestmark = pytest.mark.memory


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    have_no_processes(monkeypatch)


async def wants_a_visit(line: Line) -> None:
    await line.heard("press one")
    await line.press("1")
    await line.heard("what else is there")
    await line.say("I need a crown by Monday.")
    await line.heard("say that again")
    await line.hang_up()


def had_by(record: CallRecord) -> list[str]:
    return [share.name for share in record.personas]


async def test_who_has_the_call_at_its_end_concludes_from_the_whole_of_it(scene: Scene) -> None:
    record = await scene.over(await scene.ring("intake", wants_a_visit))
    assert had_by(record) == ["intake", "concludes"]
    assert record.results["conclusions"] == {"day": "Monday", "topic": "a crown", "urgent": False}
    [request] = asked(scene)
    [offered] = request["tools"]
    assert offered["function"]["description"] == "Note what the caller wants."
    transcript = request["messages"][-1]["content"]
    for said in ("persona: Here is the intake.", "caller: I need a crown by Monday."):
        assert said in transcript


async def test_who_is_still_asked_whether_it_takes_the_call_does_not_conclude(
    scene: Scene,
) -> None:
    async def leaves(line: Line) -> None:
        await line.heard("press one")
        await line.say("I need a crown.")
        await line.heard("press one")
        await line.press("3")
        await line.stay()

    call = await scene.ring("intake", leaves)
    await call.pulse.until(
        lambda: any(
            each["state"]["persona"] == "undecided" for each in checkpoints_of(scene, call.room)
        ),
        40,
        "a checkpoint while the other persona is asked",
    )
    await call.hang_up()
    record = await scene.over(call)
    assert (record.persona, had_by(record)) == ("intake", ["intake"])
    assert record.results["conclusions"] == {"wish": "a crown"}


async def test_results_menus_and_ids_are_as_private_as_the_strictest_persona_wants_them(
    scene: Scene,
) -> None:
    async with the_api(scene) as placing:
        number = a_number(scene, Telephone(script=wants_a_visit))
        wanted = WantedCall(persona="intake", number=number, reference="L-17")
        told = await placing.ask(wanted)
        call = await scene.exchange.call_to(number)
        record = await scene.over(call)
        told = await over(placing, told.id)
    assert had_by(record) == ["intake", "concludes"]
    assert record.number == Pseudonyms(scene.settings.state_dir).of(number)
    assert record.results["intake"] == {"wish": "a visit", "phone": f"+1…{number[-2:]}"}
    assert (told.persona, told.reference, told.results) == ("intake", "L-17", record.results)
    assert [(each.menu, each.key, each.choice) for each in record.menus] == [
        ("wish", "•", "a visit")
    ]
    assert number.encode() not in (scene.settings.state_dir / "state.db").read_bytes()
    assert stored(scene.folder / "calls.db", record.id) == record
    shown = host_calls(scene, "show", record.id)
    assert "intake -> concludes" in shown
    assert shown.index("wish -> a visit") < shown.index("hands the call over to concludes")


async def test_an_opt_out_stays_one_after_a_handover(scene: Scene) -> None:
    async def wants_no_calls(line: Line) -> None:
        await line.heard("press one")
        await line.press("2")
        await line.heard("what else is there")
        await line.hang_up()

    call = await scene.ring("intake", wants_no_calls)
    record = await scene.over(call)
    assert had_by(record) == ["intake", "concludes"]
    assert record.opted_out
    for persona in had_by(record):
        gate = Gate(scene.settings, scene.settings.persona(persona), persona)
        verdict = gate.dial(call.caller, attempt=False)
        assert (verdict.allowed, verdict.rule) == (False, Rule.DO_NOT_CALL)
