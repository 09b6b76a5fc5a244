"""What callers hear of trunks and rules that do not fit, and what rooms learn of their numbers."""

from __future__ import annotations

import pytest
from livekit.protocol import sip
from livekit.protocol.models import Pagination
from plain_agent import CALLER, HOST_NUMBER

from host.local.exchange import Exchange

from .exchanges import ExchangeScene, played

SPELT_OTHERWISE = HOST_NUMBER.removeprefix("+")


async def has_no_rule(exchange: Exchange) -> None:
    """Create a trunk alone."""
    rule = await exchange.route(HOST_NUMBER, agent="")
    exchange.directory.rules.remove(rule.sip_dispatch_rule_id)


async def has_no_trunk(exchange: Exchange) -> None:
    """Create a trunk of another number alone."""
    await exchange.route("+15559999999", agent="")


@pytest.mark.parametrize("prepare", [has_no_trunk, has_no_rule], ids=lambda each: each.__name__)
@played("now", "2025")
async def test_a_call_that_nothing_takes_rings_until_its_caller_gives_up(
    scene: ExchangeScene, prepare: object
) -> None:
    assert callable(prepare)
    await prepare(scene.exchange)
    call = await scene.exchange.ring(CALLER, HOST_NUMBER, patience=3.0)
    await call.rings()
    await call.ended()
    assert call.ended_at
    assert call.ended_at - call.started_at == pytest.approx(3.0, abs=0.5)
    assert (call.status, call.sip_status, call.room) == ("cancelled", 0, "")
    kinds = [entry.kind for entry in scene.exchange.ledger]
    assert kinds == ["INVITE", "CANCEL", "FINAL"]


@played()
async def test_a_call_that_nothing_takes_ends_with_the_exchange(scene: ExchangeScene) -> None:
    call = await scene.exchange.ring(CALLER, HOST_NUMBER)
    await call.rings()
    await scene.exchange._office.close()
    assert (call.done, call.ended_by) == (True, "exchange")


@played()
async def test_a_number_that_two_trunks_claim_is_told_to_try_again(scene: ExchangeScene) -> None:
    for number in (HOST_NUMBER, SPELT_OTHERWISE):
        trunk = sip.SIPInboundTrunkInfo(numbers=[number])
        request = sip.CreateSIPInboundTrunkRequest(trunk=trunk)
        await scene.lk.sip.create_inbound_trunk(request)
    call = await scene.exchange.ring(CALLER, HOST_NUMBER)
    assert (call.status, call.sip_status) == ("failed", 503)
    assert scene.exchange.ledger.of("FINAL")[0].detail.endswith("Try again later")


@pytest.mark.parametrize(
    ("trunk", "dialled"), [(HOST_NUMBER, SPELT_OTHERWISE), (SPELT_OTHERWISE, HOST_NUMBER)]
)
@played("now", "2025")
async def test_a_trunk_takes_its_number_in_any_spelling_and_tells_the_one_that_was_dialled(
    scene: ExchangeScene, trunk: str, dialled: str
) -> None:
    await scene.exchange.route(trunk, agent="")
    call = await scene.exchange.ring(CALLER, dialled)
    agent = await scene.join(call.room)
    await agent.sees_status("ringing")
    assert agent.caller.attributes["sip.trunkPhoneNumber"] == dialled
    await call.hang_up()


@played()
async def test_trunks_and_rules_are_listed_page_by_page(scene: ExchangeScene) -> None:
    rules = [await scene.exchange.route(f"+1555999000{at}", agent="") for at in range(3)]
    ids = sorted(rule.sip_dispatch_rule_id for rule in rules)

    async def listed(**page: object) -> list[str]:
        asked = sip.ListSIPDispatchRuleRequest(page=Pagination(**page))  # type: ignore[arg-type]
        answer = await scene.lk.sip.list_dispatch_rule(asked)
        return [rule.sip_dispatch_rule_id for rule in answer.items]

    assert await listed(limit=2) == ids[:2]
    assert await listed(limit=2, after_id=ids[1]) == ids[2:]
    assert await listed() == ids
    trunks = await scene.lk.sip.list_inbound_trunk(
        sip.ListSIPInboundTrunkRequest(page=Pagination(limit=1))
    )
    assert len(trunks.items) == 1
