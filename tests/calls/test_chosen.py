"""A plugin chooses the persona by who rings, or by a SIP header."""

from __future__ import annotations

import pytest
from livekit import api
from scene import a_number, kill_its_process

from host.local.exchange.rules import match_trunk
from host.local.phone import Line
from host.local.world import CALLER
from host.records.record import CallRecord
from host.testing import Scene

VIP = "+15557770042"
"""The caller for whom the plugin `chooses` has a persona."""


async def ring(
    scene: Scene, caller: str = CALLER, headers: dict[str, str] | None = None
) -> CallRecord:
    """Ring a number whose calls go to no persona by themselves, and hear who is there."""

    async def listens(line: Line) -> None:
        await line.sound()
        await line.hang_up()

    number = a_number(scene)
    await scene.exchange.route(number, prefix="desk")
    trunk = match_trunk(scene.exchange.directory.inbound.pick(()), caller, number)
    trunk.include_headers = api.SIPHeaderOptions.SIP_X_HEADERS
    call = await scene.exchange.ring(caller, number, listens, headers=headers)
    return await scene.over(call, 40)


@pytest.mark.memory
@pytest.mark.both_generations
async def test_a_header_chooses_the_persona(scene: Scene) -> None:
    record = await ring(scene, headers={"X-Desk": "accounts", "Subject": "desk"})
    assert record.persona == "accounts"
    assert (await ring(scene, headers={"X-Desk": "nobody"})).persona == "desk"


@pytest.mark.memory
async def test_the_caller_chooses_the_persona(scene: Scene) -> None:
    assert (await ring(scene, VIP)).persona == "polite"
    assert (await ring(scene)).persona == "desk"


@pytest.mark.memory
async def test_hooks_and_a_takeover_have_the_headers(scene: Scene) -> None:
    async def listens(line: Line) -> None:
        await line.heard("your case is 4711", 40)
        await line.heard("please go on", 40)
        await line.heard("your case is 4711", 40)
        await line.hang_up()

    number = a_number(scene)
    await scene.exchange.route(number, prefix="cases")
    trunk = match_trunk(scene.exchange.directory.inbound.pick(()), CALLER, number)
    trunk.headers_to_attributes["X-Case"] = "case"
    call = await scene.exchange.ring(CALLER, number, listens, headers={"X-Case": "4711"})
    await call.pulse.until(lambda: any("4711" in each.text for each in call.heard), 30, "the case")
    kill_its_process(scene, call.room)
    record = await scene.over(call)
    assert record.taken_over == 1
