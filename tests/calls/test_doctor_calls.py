"""`host doctor`: its probe of a host, and its test call, with each step as it was seen."""

from __future__ import annotations

import pytest
from livekit import api
from scene import a_number

from host.cli.doctor.finding import Status
from host.cli.doctor.steps import TrialCall
from host.cli.doctor.trial import place_trial_call
from host.dispatch import probe
from host.dispatch.livekit import livekit_of
from host.local.exchange import Subscriber
from host.local.phone import Busy, Fails, Line, Telephone
from host.testing import Scene

OK, WARNING, FAILURE, SKIPPED = Status.OK, Status.WARNING, Status.FAILURE, Status.SKIPPED


async def tried(scene: Scene, telephone: Subscriber, persona: str = "talks") -> TrialCall:
    """Place a test call to a telephone."""
    return await place_trial_call(scene.settings, persona, a_number(scene, telephone), {})


def statuses(call: TrialCall) -> dict[str, Status]:
    """Return each step's status."""
    return {step.name: step.status for step in call.steps}


async def listens(line: Line) -> None:
    """Say hello, listen to the greeting, and hang up."""
    await line.say("Hello?")
    await line.heard("I talk to everybody who picks up")
    await line.hang_up()


@pytest.mark.memory
async def test_doctor_s_call_that_is_answered_is_well_at_each_step(scene: Scene) -> None:
    call = await tried(scene, Telephone(answer_after=2.0, script=listens))
    assert set(statuses(call).values()) == {OK}
    assert [step.name for step in call.steps] == [
        *("dispatch taken", "room", "gate", "dialling", "SIP status", "answered", "first audio")
    ]
    at = {step.name: step.seconds for step in call.steps}
    times = [at[name] for name in ("dispatch taken", "dialling", "answered", "first audio")]
    assert times == sorted(time for time in times if time is not None)
    assert times[-1] is not None
    assert times[2] is not None
    assert 0 < times[-1] - times[2] < 3
    assert (call.ok, call.outcome, call.mend) == (True, "completed", "")
    await scene.no_room(call.room)


@pytest.mark.memory
async def test_doctor_s_call_to_a_busy_line_is_no_failure(scene: Scene) -> None:
    call = await tried(scene, Busy())
    assert statuses(call) == {
        **dict.fromkeys(("dispatch taken", "room", "gate", "dialling"), OK),
        **dict.fromkeys(("SIP status", "answered"), WARNING),
        "first audio": SKIPPED,
    }
    assert (call.ok, call.outcome, call.sip_status) == (True, "busy", 486)


@pytest.mark.memory
async def test_doctor_s_call_names_the_mend_of_a_sip_status(scene: Scene) -> None:
    call = await tried(scene, Fails(403))
    assert statuses(call)["SIP status"] is FAILURE
    assert (call.ok, call.sip_status) == (False, 403)
    assert "caller ID of yours" in call.mend


@pytest.mark.memory
async def test_the_gate_stops_doctor_s_call_too(scene: Scene) -> None:
    begun = len(scene.exchange.ledger.entries)
    call = await place_trial_call(scene.settings, "talks", "+19005551234", {})
    assert statuses(call)["gate"] is FAILURE
    assert (call.ok, call.outcome) == (False, "blocked")
    assert "host gate" in call.mend
    assert len(scene.exchange.ledger.entries) == begun


@pytest.mark.memory
async def test_doctor_s_call_without_a_trunk_is_not_dialled(scene: Scene) -> None:
    call = await tried(scene, Busy(), "trunkless")
    assert statuses(call)["dialling"] is FAILURE
    assert not call.ok
    assert "HOST_TRUNK" in call.reason + call.mend


@pytest.mark.memory
async def test_doctor_s_call_that_no_host_takes_says_so(scene: Scene) -> None:
    settings = scene.settings.model_copy(update={"agent_name": "nobody"})
    call = await place_trial_call(settings, "talks", a_number(scene, Busy()), {})
    assert statuses(call)["dispatch taken"] is FAILURE
    assert not call.ok
    assert "python -m host start" in call.mend


@pytest.mark.memory
@pytest.mark.corpus
async def test_doctor_hangs_up_on_somebody_who_listens_for_a_minute(scene: Scene) -> None:
    async def stays(line: Line) -> None:
        while True:
            await line.say("Please go on.")
            await line.silence_for(4.0)

    call = await tried(scene, Telephone(script=stays))
    assert call.ok
    assert call.reason == "doctor hung up after 60 s"
    await scene.no_room(call.room)


@pytest.mark.memory
async def test_a_host_answers_a_probe_and_has_no_call_of_it(scene: Scene) -> None:
    async with livekit_of(scene.settings) as livekit:
        assert await probe.ask(livekit, "host") == probe.Presence(host=True)
        assert await probe.ask(livekit, "nobody") == probe.Presence()
        assert not (await livekit.room.list_rooms(api.ListRoomsRequest())).rooms
    assert not scene.settings.call_log.exists()
