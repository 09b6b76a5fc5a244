"""Softphones on the network call with the password of `--listen`, and not without it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
import pytest_asyncio
from user_agents.namespace import ADDRESS
from user_agents.world import GROUP, SipCalls, calls_of, sip_scene

from host.local.sip.bridge import MEDIA_PORTS
from host.testing import Scene

pytestmark = [pytest.mark.whole("SIP is of packets, and its programs are processes"), GROUP]

PASSWORD = "open-sesame"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def sip(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    async with sip_scene(tmp_path_factory.mktemp("sip-network"), password=PASSWORD) as scene:
        yield scene


@pytest_asyncio.fixture(loop_scope="session")
async def calls(sip: Scene, tmp_path: Path) -> AsyncIterator[SipCalls]:
    async with calls_of(sip, tmp_path) as calls:
        yield calls


async def test_a_softphone_that_knows_the_password_rings_a_persona(calls: SipCalls) -> None:
    async with calls.softphone(account=f";auth_user=host;auth_pass={PASSWORD}") as phone:
        await phone.command("dial", calls.world.address_of("pad"))
        await phone.hears("Press a key please.")
        assert calls.world.bridge.pid
        bound = psutil.Process(calls.world.bridge.pid).net_connections("inet")
        listening = {each.laddr.ip for each in bound if each.laddr.port in range(*MEDIA_PORTS)}
        await phone.command("hangup")
        record = await calls.record()
    assert calls.world.address_of("pad") == f"sip:pad@{ADDRESS}:5070"
    assert listening == {ADDRESS}
    assert record.outcome == "completed"


@pytest.mark.parametrize("account", ["", ";auth_user=host;auth_pass=guessed"])
async def test_nobody_else_rings_anybody(account: str, calls: SipCalls) -> None:
    async with calls.softphone(account=account) as phone:
        await phone.command("dial", calls.world.address_of("pad"))
        closed = await phone.until("CALL_CLOSED")
    assert not [event for event in phone.events if event["type"] == "CALL_RINGING"]
    assert closed["param"][:3] in ("401", "407") or "uth" in closed["param"], closed
    assert not await calls.rooms()
