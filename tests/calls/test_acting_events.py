"""Event hooks that act on the call: an action is never cut off by the hook's time limit."""

from __future__ import annotations

import pytest
from scene import failed, length_of

from host.local.exchange import PhoneCall, TransferReply
from host.local.phone import FailsTransfer, IgnoresTransfer, Line, PersonScript, Telephone
from host.records.outcome import Outcome
from host.testing import Scene, heard_once, not_heard

CALLER, BILLING = "+15557770001", "+15550003001"
ANNOUNCED = "One moment please, I am connecting you to billing."
NOBODY = "I am sorry, billing can't take your call right now."
WORKING_HOURS = "Our office is open from Monday to Friday"
LETTERS = "or in every letter that you have from us."


def presses(key: str, then: str = "") -> PersonScript:
    """A caller who presses one key, stays, and hangs up after certain words."""

    async def script(line: Line) -> None:
        await line.heard("press a key please")
        await line.press(key)
        if then:
            await line.heard(then, 60)
            await line.hang_up()
        await line.stay()

    return script


@pytest.mark.sample("now")
async def test_a_key_that_transfers_is_not_cut_off_while_the_target_rings(
    either_scene: Scene,
) -> None:
    scene = either_scene
    scene.exchange.connect(BILLING, Telephone(answer_after=18))
    call = await scene.ring("acts", presses("1"))
    record = await scene.over(call, 60)
    heard_once(call, ANNOUNCED)
    assert call.transferred_to == BILLING
    assert (record.outcome, record.ended_by) == (Outcome.TRANSFERRED, "persona")
    assert [(each.to, each.succeeded, each.reason) for each in record.transfers] == [
        ("billing", True, "")
    ]
    assert not failed(scene, call, "digit_pressed")


@pytest.mark.memory
async def test_a_key_that_transfers_learns_late_that_nobody_takes_it(scene: Scene) -> None:
    number = scene.world.numbers["acts"]
    call = await scene.exchange.ring(
        CALLER, number, presses("1", "so we go on"), on_transfer=IgnoresTransfer()
    )
    record = await scene.over(call, 90)
    assert heard_once(call, NOBODY).start - heard_once(call, ANNOUNCED).end > 12
    heard_once(call, "So we go on.")
    assert [each.succeeded for each in record.transfers] == [False]
    assert (record.outcome, record.ended_by) == (Outcome.COMPLETED, "far end")
    assert not failed(scene, call, "digit_pressed")


@pytest.mark.sample("taken")
@pytest.mark.parametrize("taken", [True, False], ids=["taken", "busy"])
async def test_a_refer_whose_hook_has_lost_patience_is_recorded_as_it_ends(
    scene: Scene, taken: bool
) -> None:
    scene.exchange.connect(BILLING, Telephone(answer_after=12))
    script = presses("6") if taken else presses("6", "can't take your call")
    reply = TransferReply() if taken else FailsTransfer(486)
    number = scene.world.numbers["acts"]
    call = await scene.exchange.ring(CALLER, number, script, on_transfer=reply)
    record = await scene.over(call, 60)
    (transfer,) = record.transfers
    assert transfer.succeeded is taken
    assert record.outcome is (Outcome.TRANSFERRED if taken else Outcome.COMPLETED)
    assert (call.transferred_to == BILLING) is taken


@pytest.mark.memory
@pytest.mark.parametrize(
    ("key", "last"),
    [
        ("2", "That was the whole tale."),
        ("3", "You have no number then."),
        ("4", "Both keys are pressed."),
        ("5", LETTERS),
    ],
    ids=["says", "collects", "presses", "says goodbye"],
)
@pytest.mark.table(quick=3)
async def test_what_a_key_starts_comes_to_its_end(scene: Scene, key: str, last: str) -> None:
    call = await scene.ring("acts", presses(key))
    record = await scene.over(call, 90)
    assert heard_once(call, last).end > 12
    assert length_of(call) > 12
    assert record.ended_by == "persona"
    if key in "25":
        heard_once(call, WORKING_HOURS)
    if key == "4":
        assert [pressed.digit for pressed in call.keys] == ["1", "2"]
    assert not failed(scene, call, "digit_pressed")


@pytest.mark.memory
async def test_a_hook_that_only_takes_long_is_left_behind(scene: Scene) -> None:
    async def waits(line: Line) -> None:
        await line.heard("press a key please")
        await line.press("0")
        await line.heard("i shall think about it")
        await line.wait(16)
        await line.hang_up()

    call: PhoneCall = await scene.ring("acts", waits)
    await scene.over(call, 60)
    not_heard(call, "I have thought for too long.")
    assert failed(scene, call, "digit_pressed")
