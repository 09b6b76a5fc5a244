"""The ways to a transfer target: by REFER or by a call, to an extension, in order, with headers."""

import pytest
from scene import answer_of, end_of
from transfers import (
    ANNOUNCED,
    BOB,
    CALLER,
    GOES_ON,
    INTERRUPTED,
    NOBODY,
    SWITCHBOARD,
    asks_for,
    colleague,
    comes_back_from,
    has_talked,
    nothing_left,
    presses_one_at_once,
)

from host.local.exchange import PersonScript, PhoneCall
from host.local.phone import Busy, FailsTransfer, Line, NoAnswer, RefusesTransfer, Telephone
from host.records.outcome import Outcome
from host.records.record import CallRecord
from host.testing import Scene, heard_once, not_heard

NOTARY, OFFICE, CLINIC = "+15550003104", "+15550003105", "+15550003106"
NURSE, SECOND_NURSE = "+15550003107", "+15550003108"

pytestmark = pytest.mark.heavy  # two and three telephones


def attempts(record: CallRecord) -> list[tuple[str | None, str | None, int | None, bool]]:
    """Tell each attempt by its number, its mode, its SIP status and whether it succeeded."""
    return [(each.number, each.mode, each.sip_status, each.succeeded) for each in record.transfers]


async def greets(line: Line) -> None:
    """Somebody who takes a call and ends it a while later."""
    await line.say(BOB)
    await line.silence_for(2.0)
    await line.hang_up()


def listens_to_bob(whom: str) -> PersonScript:
    """A caller who is put through to Bob, and stays until he hangs up."""

    async def script(line: Line) -> None:
        await line.heard("whom do you want")
        await line.say(f"Give me the {whom} please.")
        await line.heard("bob at your service", limit=60)
        await line.stay()

    return script


def invites(scene: Scene, number: str, call: PhoneCall) -> int:
    """Count how often a number was dialled into a call's room."""
    into = f"to {call.room}"
    return sum(
        entry.detail.endswith(into) for entry in scene.exchange.ledger.of("INVITE", number=number)
    )


@pytest.mark.sample("603")
@pytest.mark.both_generations
@pytest.mark.parametrize("status", [403, 405, 501, 603])
async def test_a_target_is_called_where_the_trunk_refuses_a_refer(
    scene: Scene, status: int
) -> None:
    scene.world.agents.add(BOB)
    scene.exchange.connect(NOTARY, Telephone(answer_after=2.0, script=greets))
    call = await scene.exchange.ring(
        CALLER, SWITCHBOARD, listens_to_bob("notary"), on_transfer=RefusesTransfer(status)
    )
    record = await nothing_left(scene, call)
    connected = await scene.exchange.call_to(NOTARY)
    announced = heard_once(call, ANNOUNCED.format("notary"))
    assert heard_once(call, BOB).start > announced.end
    not_heard(call, NOBODY.format("notary"))
    assert (connected.room, connected.ended_by) == (call.room, "phone")
    assert end_of(call) - end_of(connected) < 2
    assert attempts(record) == [(NOTARY, "refer", status, False), (NOTARY, "bridge", None, True)]
    assert record.transfers[1].connected_at
    assert (record.outcome, record.ended_by) == (Outcome.TRANSFERRED, "colleague")
    assert record.reason == "the colleague hung up after the transfer to notary"


@pytest.mark.memory
async def test_a_target_that_was_busy_is_not_called_a_second_time(scene: Scene) -> None:
    scene.exchange.connect(NOTARY, Telephone())
    call = await scene.exchange.ring(
        CALLER, SWITCHBOARD, comes_back_from("notary", scene), on_transfer=FailsTransfer(486)
    )
    record = await nothing_left(scene, call)
    heard_once(call, NOBODY.format("notary"))
    assert invites(scene, NOTARY, call) == 0
    assert attempts(record) == [(NOTARY, "refer", 486, False)]


@pytest.mark.memory
async def test_a_target_that_nobody_can_reach_is_told_of_once(scene: Scene) -> None:
    scene.exchange.connect(NOTARY, Busy())
    call = await scene.exchange.ring(
        CALLER, SWITCHBOARD, comes_back_from("notary", scene), on_transfer=RefusesTransfer(405)
    )
    record = await nothing_left(scene, call)
    heard_once(call, ANNOUNCED.format("notary"))
    told = heard_once(call, NOBODY.format("notary"))
    assert heard_once(call, GOES_ON).start > told.end
    assert attempts(record) == [(NOTARY, "refer", 405, False), (NOTARY, "bridge", 486, False)]
    (tool,) = record.tools
    assert "the carrier answered 405; then the line was busy (SIP 486)" in tool.result


async def test_the_refer_and_the_invite_have_the_headers_of_the_call(scene: Scene) -> None:
    scene.world.agents.add(BOB)
    scene.exchange.connect(NOTARY, Telephone(script=greets))
    call = await scene.exchange.ring(
        CALLER, SWITCHBOARD, listens_to_bob("notary"), on_transfer=RefusesTransfer(501)
    )
    record = await nothing_left(scene, call)
    connected = await scene.exchange.call_to(NOTARY)
    expected = {"X-Call": record.id, "X-Why": "A question about a bill."}  # there is no case
    assert call.refer_headers == expected
    assert connected.headers == expected


@pytest.mark.both_generations
async def test_an_extension_is_keyed_in_before_the_parties_hear_each_other(scene: Scene) -> None:
    async def menu(line: Line) -> None:
        for key in "12#":
            await line.keyed(key)
        await greets(line)

    scene.world.agents.add(BOB)
    scene.exchange.connect(OFFICE, Telephone(script=menu))
    call = await scene.exchange.ring(CALLER, SWITCHBOARD, listens_to_bob("office"))
    record = await nothing_left(scene, call)
    connected = await scene.exchange.call_to(OFFICE)
    assert "".join(key.digit for key in connected.keys) == "12#"
    assert connected.keys[0].at > 0.9  # two pauses of half a second
    assert not [entry for entry in scene.exchange.ledger.of("REFER") if entry.call == call.id]
    heard_once(call, BOB)
    assert attempts(record) == [(OFFICE, "bridge", None, True)]
    assert record.keys == []


@pytest.mark.memory
async def test_an_extension_that_rings_a_while_is_asked_all_the_same(scene: Scene) -> None:
    async def extension(line: Line) -> None:
        await line.keyed("4", limit=10)
        await line.wait(9.0)  # it rings
        await line.say("Clinic.")
        await line.heard("otherwise say no", 40)
        await line.press("1")
        await line.stay()

    async def again(line: Line) -> None:
        await line.keyed("4", limit=10)
        await line.wait(4.0)
        await greets(line)

    scene.world.agents.add(BOB)
    scene.exchange.connect(CLINIC, colleague(extension, Telephone(script=again)))
    call = await scene.exchange.ring(CALLER, SWITCHBOARD, listens_to_bob("clinic"))
    record = await nothing_left(scene, call)
    asked = await scene.exchange.call_to(CLINIC, nth=1)
    connected = await scene.exchange.call_to(CLINIC, nth=2)
    assert ["".join(key.digit for key in each.keys) for each in (asked, connected)] == ["34", "34"]
    assert asked.keys[0].at > 2.4
    heard_once(call, BOB)
    not_heard(call, INTERRUPTED)
    assert attempts(record) == [(CLINIC, "warm", None, True)]
    assert record.transfers[0].answered_by == "human"


@pytest.mark.memory
@pytest.mark.both_generations
async def test_a_sip_address_is_asked_and_called_at_its_own_host(scene: Scene) -> None:
    scene.exchange.connect("doctor", colleague(presses_one_at_once))
    call = await scene.exchange.ring(CALLER, SWITCHBOARD, asks_for("doctor"))
    connected = await scene.exchange.call_to("doctor", timeout=60, nth=2)
    await has_talked(connected)
    await connected.hang_up()
    record = await nothing_left(scene, call)
    asked = await scene.exchange.call_to("doctor", nth=1)
    for each in (asked, connected):
        assert each.headers == {"User-to-User": "switchboard"}
        assert each.caller == SWITCHBOARD
    address = "sip:doctor@pbx.example;transport=tcp"
    assert attempts(record) == [(address, "warm", None, True)]
    assert record.outcome is Outcome.TRANSFERRED


@pytest.mark.memory
@pytest.mark.both_generations
async def test_targets_are_tried_in_order_until_one_takes_the_call(scene: Scene) -> None:
    scene.world.agents.add(BOB)
    scene.exchange.connect(NURSE, Busy())
    scene.exchange.connect(SECOND_NURSE, Telephone(script=greets))
    call = await scene.exchange.ring(CALLER, SWITCHBOARD, listens_to_bob("nurses"))
    record = await nothing_left(scene, call)
    heard_once(call, ANNOUNCED.format("nurses"))
    not_heard(call, NOBODY.format("nurses"))
    connected = await scene.exchange.call_to(SECOND_NURSE)
    assert answer_of(connected) < end_of(call)
    assert attempts(record) == [(NURSE, "warm", 486, False), (SECOND_NURSE, "bridge", None, True)]
    assert [each.to for each in record.transfers] == ["nurses", "nurses"]


@pytest.mark.memory
async def test_the_model_and_the_record_learn_of_each_target_that_was_tried(scene: Scene) -> None:
    scene.exchange.connect(NURSE, Busy())
    scene.exchange.connect(SECOND_NURSE, NoAnswer())
    call = await scene.exchange.ring(
        CALLER, SWITCHBOARD, comes_back_from("nurses", scene), on_transfer=FailsTransfer(480)
    )
    record = await nothing_left(scene, call)
    heard_once(call, NOBODY.format("nurses"))
    assert attempts(record) == [
        (NURSE, "warm", 486, False),
        (SECOND_NURSE, "bridge", None, False),
        ("sip:desk@pbx.example", "refer", 480, False),
    ]
    (tool,) = record.tools
    reasons = [each.reason for each in record.transfers]
    assert "; then ".join(reasons) in tool.result
    assert record.outcome is Outcome.COMPLETED


@pytest.mark.memory
async def test_a_caller_who_hangs_up_is_not_followed_by_the_next_target(scene: Scene) -> None:
    scene.exchange.connect(NURSE, NoAnswer())
    scene.exchange.connect(SECOND_NURSE, Telephone())
    call = await scene.exchange.ring(CALLER, SWITCHBOARD, asks_for("nurses"))
    ringing = await scene.exchange.call_to(NURSE, timeout=40)
    await ringing.rings()
    await call.hang_up()
    record = await nothing_left(scene, call)
    assert invites(scene, SECOND_NURSE, call) == 0
    assert [each.reason for each in record.transfers] == ["the caller hung up"]


@pytest.mark.memory
@pytest.mark.both_generations
async def test_a_browser_is_connected_with_a_target_that_is_not_asked(scene: Scene) -> None:
    scene.exchange.connect(NOTARY, Telephone(script=greets))
    call = await scene.exchange.browse("switchboard-on-a-page", asks_for("notary"))
    record = await nothing_left(scene, call)
    assert attempts(record) == [(NOTARY, "bridge", None, True)]
    assert (record.outcome, record.ended_by) == (Outcome.TRANSFERRED, "colleague")
