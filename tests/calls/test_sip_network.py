"""Softphones on the network call with the password of `--listen`, and not without it."""

from __future__ import annotations

import psutil
import pytest
from user_agents.namespace import ADDRESS
from user_agents.world import OVER_SIP, SipCalls

from host.local.sip.bridge import MEDIA_PORTS

pytestmark = OVER_SIP

PASSWORD = "open-sesame"
"""What the fixture `sip` has livekit-sip ask for."""


async def test_a_softphone_that_knows_the_password_rings_a_persona(calls: SipCalls) -> None:
    async with calls.caller("pad", account=f";auth_user=host;auth_pass={PASSWORD}") as phone:
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
    async with calls.caller("pad", account=account) as phone:
        closed = await phone.until("CALL_CLOSED")
    assert not [event for event in phone.events if event["type"] == "CALL_RINGING"]
    assert closed["param"][:3] in ("401", "407") or "uth" in closed["param"], closed
    assert not await calls.rooms()
