"""Calls that are sent away by REFER, and what becomes of those that nobody takes."""

import numpy as np
import pytest
from scene import answer_of, on_its_way
from transfers import (
    ANNOUNCED,
    CALLER,
    GOES_ON,
    INTERRUPTED,
    LAWYER,
    NOBODY,
    SWITCHBOARD,
    asks_for,
    comes_back_from,
)

from host.local.exchange import PhoneCall, TransferReply
from host.local.phone import FailsTransfer, IgnoresTransfer, Line, RefusesTransfer, Telephone
from host.local.sound import purity
from host.records.outcome import Outcome
from host.testing import Scene, heard_once, not_heard

RINGBACK = 425.0
"""Hertz of the ringing that LiveKit SIP plays to somebody who is being transferred."""


def refers(scene: Scene, call: PhoneCall) -> list[tuple[str, float]]:
    """Say to whom a call was referred, and when (seconds from its answer)."""
    return [
        (entry.number, entry.at - answer_of(call))
        for entry in scene.exchange.ledger.of("REFER")
        if entry.call == call.id
    ]


@pytest.mark.sample("now")
@pytest.mark.promise("A cold transfer follows its announcement", only="now")
async def test_a_call_is_transferred_after_its_announcement(either_scene: Scene) -> None:
    scene = either_scene

    async def asks(line: Line) -> None:
        await line.heard("whom do you want")
        await line.say("Give me the lawyer please.")
        await line.heard("connecting you to lawyer")
        await line.wait(1.0)
        await line.say("Is anybody there?")
        await line.stay()

    scene.exchange.connect(LAWYER, Telephone(answer_after=5.4))
    call = await scene.exchange.ring(CALLER, SWITCHBOARD, asks)
    record = await scene.over(call)
    announced = heard_once(call, ANNOUNCED.format("lawyer"))
    ((number, at),) = refers(scene, call)
    assert (number, call.transferred_to) == (LAWYER, LAWYER)
    assert at > announced.end + on_its_way(scene)
    pending = call.recording[round((at + 0.2) * 8000) : round((at + 5.2) * 8000), 1]
    assert max(purity(block, RINGBACK) for block in np.array_split(pending, 20)) > 0.9
    not_heard(call, INTERRUPTED)
    assert (record.outcome, record.ended_by) == (Outcome.TRANSFERRED, "persona")
    (transfer,) = record.transfers
    assert (transfer.to, transfer.warm, transfer.succeeded) == ("lawyer", False, True)


@pytest.mark.sample("now-busy", "2025-refused")
@pytest.mark.parametrize(
    ("reply", "now", "of_2025"),
    [
        # The one of 2025 tells nobody why.
        (RefusesTransfer(603), 603, 603),
        (FailsTransfer(486), 486, None),
        (IgnoresTransfer(), None, None),
    ],
    ids=["refused", "busy", "ignored"],
)
async def test_nobody_takes_it_and_the_conversation_goes_on(
    either_scene: Scene,
    request: pytest.FixtureRequest,
    reply: TransferReply,
    now: int | None,
    of_2025: int | None,
) -> None:
    scene = either_scene
    call = await scene.exchange.ring(
        CALLER, SWITCHBOARD, comes_back_from("lawyer", scene), on_transfer=reply
    )
    record = await scene.over(call, 60)
    heard_once(call, ANNOUNCED.format("lawyer"))
    told = heard_once(call, NOBODY.format("lawyer"))
    assert heard_once(call, GOES_ON).start > told.end
    heard_once(call, "Then have a nice day.")
    assert len(refers(scene, call)) == 1
    (transfer,) = record.transfers
    expected = of_2025 if "2025" in request.node.name else now
    assert (transfer.succeeded, transfer.sip_status) == (False, expected)
    assert transfer.reason
    assert [tool.failed for tool in record.tools] == [True]
    assert (record.outcome, record.ended_by) == (Outcome.COMPLETED, "far end")


@pytest.mark.sample("now")
async def test_a_caller_who_hangs_up_meanwhile_was_not_transferred(either_scene: Scene) -> None:
    scene = either_scene
    call = await scene.exchange.ring(
        CALLER, SWITCHBOARD, asks_for("lawyer"), on_transfer=IgnoresTransfer()
    )
    await call.pulse.until(lambda: call.answered_at and refers(scene, call), 40, "the REFER")
    await call.hang_up()
    record = await scene.over(call)
    assert (record.outcome, record.ended_by) == (Outcome.COMPLETED, "far end")
    assert [each.succeeded for each in record.transfers] == [False]
    not_heard(call, NOBODY.format("lawyer"))
