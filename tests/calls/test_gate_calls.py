"""The gate in whole calls: the exchange's ledger has what is allowed, and nothing that is not."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections import Counter
from pathlib import Path

import pytest
from carrier import place
from policy import DEFAULT_TYPES, examples, may_be_called, never_allowed
from sample_calls import call_of
from tricks import tricks

from host.dispatch.rooms import delete_room
from host.local.phone import Busy, Line
from host.records.outcome import Outcome
from host.settings import Settings
from host.testing import Scene, heard_once

GATED = "+15550001150"
ALLOWED = ("+12015550123", "+12125550123", "+13105550199", "+18002123456")
FORBIDDEN = {
    "+442071234567": "country",
    "+14165550123": "country",
    "+5351234567": "country",
    "+18765551234": "caribbean",
    "+18092345678": "caribbean",
    "+19005551234": "type",
    "+12129761234": "type",
    "+881612345678": "satellite",
    "+88812345678901": "satellite",
    "+979123456789": "satellite",
    "+15552220001": "invalid",
    "+99912345678": "invalid",
}


def dialled(scene: Scene, begun: int) -> list[str]:
    """What the host dialled, or sent callers to, since the ledger was so long."""
    entries = scene.exchange.ledger.entries[begun:]
    return [
        each.number
        for each in entries
        if each.kind == "REFER" or (each.kind == "INVITE" and not each.inbound)
    ]


@pytest.mark.promise("The gate blocks forbidden numbers")
@pytest.mark.timeout(600)
async def test_allowed_numbers_are_dialled_and_forbidden_ones_are_blocked(scene: Scene) -> None:
    for number in ALLOWED:
        scene.exchange.connect(number, Busy())
    begun = len(scene.exchange.ledger.entries)
    for number in ALLOWED:
        placed = await scene.place("gated", number)
        assert placed.outcome is Outcome.BUSY, number
    for number, rule in FORBIDDEN.items():
        placed = await scene.place("gated", number)
        assert placed.outcome is Outcome.BLOCKED, number
        assert f"(rule: {rule})" in placed.reason
        record = await scene.record(placed.room)
        assert (record.outcome, record.ended_by, record.dialled_at) == ("blocked", "host", None)
        assert number not in record.reason
        await scene.no_room(placed.room)
    assert dialled(scene, begun) == list(ALLOWED)


@pytest.mark.memory
@pytest.mark.corpus
@pytest.mark.timeout(600)
async def test_of_a_thousand_numbers_and_all_tricks_the_ledger_has_what_is_allowed_and_no_other(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dialled by the host's own code in this process: a thousand calls would take an hour."""
    monkeypatch.chdir(tmp_path)
    countries = ("US", "GB", "DE", "BR", "AU", "NG", "RU")
    settings = Settings(
        trunk=scene.settings.trunk,
        countries=countries,
        calling_hours="",
        max_attempts_a_day=0,
    )
    numbers = [*sorted({*examples(), *never_allowed()}), *tricks()]
    allowed = [each for each in numbers if may_be_called(each, countries, DEFAULT_TYPES)]
    for number in allowed:
        scene.exchange.connect(number, Busy())
    begun = len(scene.exchange.ledger.entries)
    outcomes: Counter[Outcome | None] = Counter()
    async with scene.livekit() as livekit:
        for number in numbers:
            ending = await place(livekit, call_of(settings, number))
            outcomes[ending.outcome if ending else None] += 1
        await delete_room(livekit, call_of(settings, None).state.room)
    assert len(numbers) > 1100
    assert len(allowed) > 20
    assert dialled(scene, begun) == allowed
    assert outcomes == {
        Outcome.BUSY: len(allowed),
        Outcome.BLOCKED: len(numbers) - len(allowed),
    }


@pytest.mark.whole("a command is a process")
async def test_the_command_tells_a_blocked_call_by_its_exit_code(scene: Scene) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "host", "call", "gated", "+442071234567", "--json"),
        env={**os.environ, **scene.environment},
        cwd=scene.folder,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == Outcome.BLOCKED.exit_code
    told = json.loads(out)
    assert (told["outcome"], told["retryable"]) == ("blocked", False)


async def test_a_number_is_not_dialled_again_on_the_same_day(scene: Scene) -> None:
    number = "+15552229001"
    scene.exchange.connect(number, Busy())
    begun = len(scene.exchange.ledger.entries)
    placed = [await scene.place("seldom", number) for _ in range(2)]
    assert [each.outcome for each in placed] == [Outcome.BUSY, Outcome.BLOCKED]
    assert "(rule: attempts)" in placed[1].reason
    assert dialled(scene, begun) == [number]


@pytest.mark.memory
async def test_a_call_shows_the_number_that_it_names_if_it_is_its_personas_own(
    scene: Scene,
) -> None:
    number = ALLOWED[0]
    scene.exchange.connect(number, Busy())
    begun = len(scene.exchange.ledger.entries)
    for shown in (GATED, "+15550001151", "+12125550199"):  # those of another, and of nobody
        placed = await scene.place("gated", number, caller_id=shown)
        if shown == GATED:
            assert placed.outcome is Outcome.BUSY
            assert (await scene.exchange.call_to(number)).caller == GATED
        else:
            assert (placed.outcome, placed.retryable) == (Outcome.BLOCKED, False)
            assert "none of the persona's own numbers" in placed.reason
    assert dialled(scene, begun) == [number]


async def test_nobody_is_called_at_night(scene: Scene) -> None:
    """It is never the first minute of the day in all of the country's time zones."""
    number = "+15552229002"
    scene.exchange.connect(number, Busy())
    begun = len(scene.exchange.ledger.entries)
    placed = await scene.place("asleep", number)
    assert placed.outcome is Outcome.BLOCKED
    assert "(rule: hours)" in placed.reason
    assert dialled(scene, begun) == []


@pytest.mark.memory
async def test_a_refused_transfer_is_said_and_the_conversation_goes_on(scene: Scene) -> None:
    async def asks(line: Line) -> None:
        await line.heard("what can i do for you")
        await line.say("Put me through please.")
        await line.heard("let us go on")
        await line.silence_for(1.0)
        await line.say("What day is it?")
        await line.heard("today is monday")
        await line.hang_up()

    begun = len(scene.exchange.ledger.entries)
    call = await scene.exchange.ring("+15557770098", GATED, asks)
    record = await scene.over(call, 90)
    heard_once(call, "I am sorry, billing can't take your call right now.")
    heard_once(call, "Today is Monday.")
    (transfer,) = record.transfers
    assert (transfer.to, transfer.succeeded) == ("billing", False)
    assert "(rule: type)" in (transfer.reason or "")
    assert [tool.failed for tool in record.tools] == [True]
    assert dialled(scene, begun) == []


@pytest.mark.promise("A key opts out of further calls")
async def test_whoever_presses_the_key_is_told_so_and_never_called_again(scene: Scene) -> None:
    async def presses(line: Line) -> None:
        await line.heard("what can i do for you")
        await line.press("9")
        await line.stay()

    caller = "+15557770097"
    call = await scene.exchange.ring(caller, GATED, presses)
    record = await scene.over(call, 60)
    heard_once(call, "All right, we will not call this number again. Goodbye.")
    assert (record.outcome, record.ended_by) == (Outcome.COMPLETED, "persona")
    assert record.opted_out
    scene.exchange.connect(caller, Busy())
    begun = len(scene.exchange.ledger.entries)
    placed = await scene.place("seldom", caller)
    assert placed.outcome is Outcome.BLOCKED
    assert "(rule: do_not_call)" in placed.reason
    assert dialled(scene, begun) == []
