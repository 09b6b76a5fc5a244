"""Scheduled calls: placed once, when they are due and the gate allows it, also after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from api_in_memory import have_no_processes, over
from in_memory.world import MemoryScene
from in_process_api import TOKEN, Api, an_api_in_process
from people import talks
from pydantic import SecretStr
from scene import a_number

from host.call.schedule import Schedule
from host.compliance import Gate
from host.compliance.hours import zones_of
from host.local.phone import NoAnswer, Telephone
from host.records.outcome import Outcome
from host.server.api.placing import Placing
from host.server.api.refusals import Blocked, Unusable
from host.server.api.schemas import AskedCall, WantedCall
from host.testing import Scene

pytestmark = pytest.mark.memory("hours pass, and hosts restart within a test")

SOON = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
RARELY = 60.0
"""Seconds between looks at the schedule of tests in which many hours pass."""


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    have_no_processes(monkeypatch)


class Host:
    """What places calls in one run of a host after another."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.placing = Placing(scene.settings)
        self._run: asyncio.Task[None] | None = None
        self.closed: str | None = None

    async def start(self) -> None:
        self.placing = Placing(self.scene.settings)
        await self.placing.resume()
        self._run = asyncio.create_task(self.placing.scheduled.run(lambda: self.closed))

    async def stop(self) -> None:
        """End it as a kill does: nothing is tidied up that a killed process would leave."""
        if self._run:
            self._run.cancel()
            await asyncio.gather(self._run, return_exceptions=True)
        await self.placing.close()
        self._run = None

    async def with_hours(self, hours: str) -> None:
        """Start it again with other calling hours."""
        await self.stop()
        settings = self.scene.settings.model_copy(update={"calling_hours": hours})
        self.scene.settings = settings
        await self.start()

    async def ask(self, number: str, **more: Any) -> AskedCall:
        wanted = {"persona": "leaves", "number": number, "details": {"name": "Ann"}, **more}
        return await self.placing.ask(WantedCall.model_validate(wanted))


@pytest.fixture
async def host(scene: Scene) -> AsyncIterator[Host]:
    """A host that places what is scheduled."""
    host = Host(scene)
    await host.start()
    yield host
    await host.stop()


def now() -> datetime:
    return datetime.now(UTC)


def answers(scene: Scene) -> str:
    """The number of somebody who answers, talks and goes."""
    return a_number(scene, Telephone(script=talks("is a test call", "Thank you and goodbye.")))


def dials_of(scene: Scene, number: str) -> int:
    """How often the exchange was asked to dial a number."""
    assert isinstance(scene, MemoryScene)
    return len(scene.exchange.ledger.of("INVITE", number=number))


async def test_a_call_waits_until_it_is_due_and_is_placed_once(scene: Scene, host: Host) -> None:
    number, due = answers(scene), now() + SOON
    asked = await host.ask(number, not_before=due, reference="L-7")
    assert (asked.status, asked.due_at) == ("scheduled", due)
    await asyncio.sleep(50)
    assert dials_of(scene, number) == 0
    told = await over(host.placing, asked.id)
    assert told.outcome is Outcome.COMPLETED
    assert told.dialing_at
    assert due <= told.dialing_at < due + timedelta(seconds=5)
    record = await scene.record(asked.room)
    assert (record.outcome, record.reference) == (Outcome.COMPLETED, "L-7")
    await asyncio.sleep(3)
    assert dials_of(scene, number) == 1
    assert Schedule(scene.settings.state_dir).waiting() == []  # its number is kept no longer


async def test_a_repeated_request_is_the_same_call(scene: Scene, host: Host) -> None:
    number = answers(scene)
    wanted = {"not_before": now() + SOON, "idempotency_key": "order-7"}
    first, second = await host.ask(number, **wanted), await host.ask(number, **wanted)
    assert first.id == second.id
    await asyncio.sleep(100)
    assert dials_of(scene, number) == 1
    assert (await host.ask(number, **wanted)).outcome is Outcome.COMPLETED


async def test_a_call_outlives_restarts_before_and_after_it_is_due(
    scene: Scene, host: Host
) -> None:
    number, due = answers(scene), now() + SOON
    asked = await host.ask(number, not_before=due)
    await host.stop()
    await asyncio.sleep(7200)
    assert dials_of(scene, number) == 0
    await host.start()
    told = await over(host.placing, asked.id)
    assert (told.outcome, dials_of(scene, number)) == (Outcome.COMPLETED, 1)


@pytest.mark.parametrize("moment", [0.0, 0.005, 0.02, 0.05, 0.1, 0.5, 1.0, 2.0, 5.0, 9.0])
@pytest.mark.table(quick=4)
async def test_a_host_that_dies_while_it_places_a_call_dials_it_once(
    scene: Scene, host: Host, moment: float
) -> None:
    number, due = answers(scene), now() + SOON
    asked = await host.ask(number, not_before=due)
    await asyncio.sleep(60 + moment)
    await host.stop()
    await asyncio.sleep(1)
    await host.start()
    told = await over(host.placing, asked.id)
    assert (told.outcome, dials_of(scene, number)) == (Outcome.COMPLETED, 1), told.reason


async def test_a_call_waits_while_the_host_takes_none(scene: Scene, host: Host) -> None:
    number = answers(scene)
    asked = await host.ask(number, not_before=now() + SOON)
    host.closed = "it is draining"
    await asyncio.sleep(200)
    assert dials_of(scene, number) == 0
    host.closed = None
    assert (await over(host.placing, asked.id)).outcome is Outcome.COMPLETED


async def test_a_call_that_no_host_could_place_in_its_window_is_over(
    scene: Scene, host: Host
) -> None:
    number = answers(scene)
    asked = await host.ask(number, not_before=now() + SOON, not_after=now() + 2 * SOON)
    host.closed = "it is draining"
    told = await over(host.placing, asked.id)
    assert told.outcome is Outcome.REFUSED
    assert told.reason
    assert told.reason.startswith("no host could place it before 2027-")
    assert (await scene.record(asked.room)).number == number
    assert dials_of(scene, number) == 0


async def test_a_cancelled_call_is_never_dialled(
    scene: Scene, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = answers(scene)
    settings = scene.settings.model_copy(update={"api_token": SecretStr(TOKEN)})
    async with an_api_in_process(settings) as api:
        asked = await host.ask(number, not_before=now() + SOON)
        listed, _ = await api.page()
        assert [call["status"] for call in listed] == ["scheduled"]
        assert (await api.page(live="true"))[0] == (await api.page(live="false"))[0] == []
        status, told = await api.ask("DELETE", f"/calls/{asked.id}")
    assert (status, told["status"], told["outcome"]) == (200, "over", "cancelled")
    assert told["reason"] == "an operator ended the call through the API before it was answered"
    record = await scene.record(asked.room)
    assert (record.outcome, record.ended_by) == (Outcome.CANCELLED, "operator")
    await asyncio.sleep(100)
    assert dials_of(scene, number) == 0


async def test_a_number_on_the_list_meanwhile_is_blocked(scene: Scene, host: Host) -> None:
    number = answers(scene)
    asked = await host.ask(number, not_before=now() + SOON)
    gate = Gate(scene.settings, scene.settings.persona("leaves"))
    gate.do_not_call.add(number)
    with pytest.raises(Blocked, match="do-not-call list"):
        await host.ask(number, not_before=now() + HOUR)
    told = await over(host.placing, asked.id)
    assert (told.outcome, told.retryable) == (Outcome.BLOCKED, False)
    assert dials_of(scene, number) == 0


async def test_a_call_waits_for_the_callees_hours(
    scene: Scene, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("host.server.api.scheduled.EVERY", RARELY)
    number = answers(scene)
    # It may be in any zone of the United States: in one of them, the day is over.
    latest = max(now().astimezone(ZoneInfo(zone)).strftime("%H:%M") for zone in zones_of(number))
    await host.with_hours(f"00:00-{latest}")
    asked = await host.ask(number, not_after=now() + 2 * DAY)
    assert asked.due_at
    assert asked.due_at > now()
    await asyncio.sleep((asked.due_at - now()).total_seconds() - 1)
    assert dials_of(scene, number) == 0
    told = await over(host.placing, asked.id)
    assert (told.outcome, dials_of(scene, number)) == (Outcome.COMPLETED, 1)
    assert told.dialing_at
    assert asked.due_at <= told.dialing_at < asked.due_at + timedelta(seconds=RARELY + 5)


async def test_a_window_outside_the_hours_is_refused(scene: Scene, host: Host) -> None:
    await host.with_hours("00:00-00:01")
    with pytest.raises(Blocked, match=r"outside the calling hours of 00:00-00:01, and not before"):
        await host.ask(answers(scene), not_after=now() + 10 * SOON)


@pytest.mark.parametrize(
    ("window", "fault"),
    [
        ((-HOUR, None), "not_before is in the past"),
        ((None, -HOUR), "not_after is in the past"),
        ((-2 * HOUR, -HOUR), "not_after is in the past"),
        ((HOUR, HOUR), "not_after is not later than not_before"),
        ((timedelta(days=31), None), "not_before is more than 30 days ahead"),
    ],
)
async def test_a_window_that_can_never_be_is_refused(
    scene: Scene,
    host: Host,
    window: tuple[timedelta | None, timedelta | None],
    fault: str,
) -> None:
    names = ("not_before", "not_after")
    given = {name: now() + at for name, at in zip(names, window, strict=True) if at is not None}
    with pytest.raises(Unusable) as refused:
        await host.ask(a_number(scene, NoAnswer()), **given)
    assert [each.msg for each in refused.value.faults] == [fault]


async def test_a_window_that_has_begun_is_placed_at_once(scene: Scene, host: Host) -> None:
    asked = await host.ask(answers(scene), not_before=now() - HOUR, not_after=now() + HOUR)
    assert (await over(host.placing, asked.id)).outcome is Outcome.COMPLETED
    assert asked.due_at
    assert asked.due_at - now() < timedelta(seconds=1)


async def test_a_scheduled_call_is_known_as_long_after_its_window_as_another_after_its_request(
    scene: Scene, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("host.server.api.store.KEPT", 30)
    asked = await host.ask(answers(scene), not_before=now() + SOON, not_after=now() + 2 * SOON)
    assert (await over(host.placing, asked.id)).outcome is Outcome.COMPLETED
    await asyncio.sleep(60)
    assert await host.placing.read(asked.id)
    await asyncio.sleep(60)
    assert await host.placing.read(asked.id) is None


async def test_the_api_takes_no_time_without_a_zone(api: Api) -> None:
    status, told = await api.place(not_before="2027-03-01T09:00:00")
    assert (status, told["detail"][0]["loc"]) == (422, ["body", "not_before"])
    status, told = await api.place(not_before=1_900_000_000)
    assert status == 422
    assert "a time with its zone" in told["detail"][0]["msg"]


@pytest.fixture
async def api(scene: Scene) -> AsyncIterator[Api]:
    settings = scene.settings.model_copy(update={"api_token": SecretStr(TOKEN)})
    async with an_api_in_process(settings) as api:
        yield api
