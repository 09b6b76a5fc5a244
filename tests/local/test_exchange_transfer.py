"""Cold transfers: REFER, and how it ends."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest
from livekit import api, rtc
from plain_agent import CALLER, HOST_NUMBER, Agent, both_profiles

from host.local.exchange import Exchange, PhoneCall, TransferReply
from host.local.phone import Busy, FailsTransfer, IgnoresTransfer, RefusesTransfer, Telephone
from host.local.sound import purity

Join = Callable[[str], Awaitable[Agent]]
Transfer = Callable[..., Coroutine[Any, Any, object]]
Bring = Callable[..., Awaitable[tuple[PhoneCall, Agent]]]

OFFICE = "+15553330001"


@pytest.fixture
async def bring(exchange: Exchange, join: Join) -> Bring:
    """Bring a caller and an agent together; the caller answers a REFER as the test says."""

    async def call(on_transfer: TransferReply | None = None) -> tuple[PhoneCall, Agent]:
        await exchange.route(HOST_NUMBER, agent="")
        call = await exchange.ring(CALLER, HOST_NUMBER, on_transfer=on_transfer)
        agent = await join(call.room)
        await agent.speaks_up()
        await call.answered()
        await agent.sees_status("active")
        return call, agent

    return call


@pytest.fixture
async def transfer(exchange: Exchange, lk: api.LiveKitAPI) -> Transfer:
    """Transfer a call as a host does."""

    async def refer(
        call: PhoneCall, to: str = f"tel:{OFFICE}", limit: float = 10, dialtone: bool = False
    ) -> object:
        request = api.TransferSIPParticipantRequest(
            room_name=call.room,
            participant_identity=call.identity,
            transfer_to=to,
            play_dialtone=dialtone,
        )
        request.ringing_timeout.FromMilliseconds(round(limit * 1000))
        return await lk.sip.transfer_sip_participant(request, timeout=15)

    return refer


@pytest.mark.parametrize(
    ("profile", "uri"),
    [("now", f"tel:{OFFICE}"), ("now", f"sip:{OFFICE}@office.example"), ("2025", f"tel:{OFFICE}")],
)
async def test_a_caller_is_put_through_and_leaves_a_second_later(
    exchange: Exchange, bring: Bring, transfer: Transfer, uri: str
) -> None:
    exchange.connect(OFFICE, Telephone(answer_after=0.2))
    call, agent = await bring()
    await transfer(call, uri)
    done = asyncio.get_running_loop().time()
    assert call.status == "active"
    assert await agent.sees("left") == rtc.DisconnectReason.CLIENT_INITIATED
    assert asyncio.get_running_loop().time() - done == pytest.approx(1.0, abs=0.4)
    assert ("status", "hangup") in agent.saw
    await call.ended()
    assert (call.ended_by, call.transferred_to) == ("far end", OFFICE)
    assert [entry.number for entry in exchange.ledger.of("REFER")] == [OFFICE]
    assert exchange.ledger.numbers == [OFFICE]


@both_profiles
async def test_a_telephone_refuses_to_be_transferred(
    bring: Bring, transfer: Transfer, profile: str
) -> None:
    call, _ = await bring(RefusesTransfer(603))
    with pytest.raises(api.ServerError) as caught:
        await transfer(call)
    if profile == "now":
        assert caught.value.code == "permission_denied"
        assert caught.value.metadata["sip_status_code"] == "603"
    else:
        assert (caught.value.code, caught.value.metadata) == ("internal", {})
        assert caught.value.message.endswith("SIP REFER failed with code 603")
    assert call.status == "active"


@both_profiles
async def test_the_target_is_busy(
    exchange: Exchange, bring: Bring, transfer: Transfer, profile: str
) -> None:
    exchange.connect(OFFICE, Busy())
    call, _ = await bring()
    with pytest.raises(api.ServerError) as caught:
        await transfer(call)
    assert "call transfer failed" in caught.value.message
    if profile == "now":
        assert caught.value.metadata["sip_status_code"] == "486"
    else:
        assert (caught.value.code, caught.value.metadata) == ("canceled", {})
    assert call.status == "active"


async def test_the_telephone_reports_a_failure_whatever_the_target_does(
    exchange: Exchange, bring: Bring, transfer: Transfer
) -> None:
    exchange.connect(OFFICE, Telephone())
    call, _ = await bring(FailsTransfer(480))
    with pytest.raises(api.SipCallError) as caught:
        await transfer(call)
    assert caught.value.sip_status_code == 480


@both_profiles
async def test_a_transfer_without_a_notify_ends_with_its_timeout(
    exchange: Exchange, bring: Bring, transfer: Transfer
) -> None:
    exchange.connect(OFFICE, Telephone())
    call, _ = await bring(IgnoresTransfer())
    with pytest.raises(api.ServerError) as caught:
        await transfer(call, limit=0.5)
    assert (caught.value.code, caught.value.metadata) == ("canceled", {})
    assert call.status == "active"


async def test_a_caller_who_hangs_up_meanwhile_counts_as_success(
    exchange: Exchange, bring: Bring, transfer: Transfer
) -> None:
    call, _ = await bring(IgnoresTransfer())
    referred = asyncio.create_task(transfer(call))
    await call.pulse.until(lambda: exchange.ledger.of("REFER"), 5, "the REFER")
    await call.hang_up()
    await referred
    assert call.transferred_to is None


async def test_a_second_transfer_joins_the_first_or_is_refused(
    exchange: Exchange, bring: Bring, transfer: Transfer
) -> None:
    exchange.connect(OFFICE, Telephone(answer_after=0.5))
    call, _ = await bring()
    first = asyncio.create_task(transfer(call))
    await call.pulse.until(lambda: exchange.ledger.of("REFER"), 5, "the REFER")
    with pytest.raises(api.ServerError, match="already being transferred elsewhere") as caught:
        await transfer(call, "tel:+15553330002")
    assert caught.value.code == "invalid_argument"
    await asyncio.gather(first, transfer(call))
    assert [entry.number for entry in exchange.ledger.of("REFER")] == [OFFICE]


async def test_the_caller_hears_a_dial_tone_instead_of_the_room(
    exchange: Exchange, bring: Bring, transfer: Transfer
) -> None:
    exchange.connect(OFFICE, Busy(after=2.2))
    call, agent = await bring()
    await agent.sees("track")
    referred = asyncio.create_task(transfer(call, dialtone=True))
    await call.pulse.until(lambda: exchange.ledger.of("REFER"), 5, "the REFER")
    begun = call.media.settled
    await agent.beeps(700, 0.6)
    with pytest.raises(api.SipCallError):
        await referred
    after = call.media.settled
    await agent.beeps(900, 0.6)
    await call.hang_up()
    assert purity(call.recording[begun + 1600 : after - 1600, 1], 700) < 0.01
    assert purity(call.recording[after + 800 :, 1], 900) > 0.8


async def test_a_target_must_be_a_uri(bring: Bring, transfer: Transfer) -> None:
    call, _ = await bring()
    with pytest.raises(api.ServerError, match="must be a valid SIP") as caught:
        await transfer(call, OFFICE)
    assert caught.value.code == "invalid_argument"


async def test_a_call_that_rings_can_not_be_transferred(
    exchange: Exchange, transfer: Transfer
) -> None:
    await exchange.route(HOST_NUMBER, agent="")
    call = await exchange.ring(CALLER, HOST_NUMBER)
    await call.rings()
    with pytest.raises(api.ServerError, match="non established") as caught:
        await transfer(call)
    assert caught.value.code == "failed_precondition"
    assert not exchange.ledger.of("REFER")


async def test_only_a_sip_participant_of_the_room_can_be_transferred(
    exchange: Exchange, join: Join, lk: api.LiveKitAPI
) -> None:
    await join("a-room")
    for identity, code in (("agent", "invalid_argument"), ("nobody", "not_found")):
        request = api.TransferSIPParticipantRequest(
            room_name="a-room", participant_identity=identity, transfer_to=f"tel:{OFFICE}"
        )
        with pytest.raises(api.ServerError) as caught:
            await lk.sip.transfer_sip_participant(request)
        assert caught.value.code == code
