"""LiveKit's SIP API: trunks and dispatch rules, tokens, and what is wrong with a request."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from livekit import api
from livekit.protocol import sip

from host.local.exchange import Exchange
from host.local.exchange.profiles import NOW, YEAR_2025, Profile

TRUNK: dict[str, Any] = {"name": "ours", "numbers": ["+15550001111"]}


@pytest.fixture
async def post(exchange: Exchange) -> AsyncIterator[Callable[..., Any]]:
    """Post to a method as the test says, and give (HTTP status, content type, body)."""
    async with aiohttp.ClientSession() as session:

        async def send(
            method: str,
            body: bytes = b"",
            grants: api.SIPGrants | None = None,
            secret: str = "",
            kind: str = "application/json",
        ) -> tuple[int, str, Any]:
            headers = {"Content-Type": kind}
            if grants:
                token = api.AccessToken(exchange.api_key, secret or exchange.api_secret)
                headers["Authorization"] = f"Bearer {token.with_sip_grants(grants).to_jwt()}"
            url = f"{exchange.url.replace('ws', 'http')}/twirp/livekit.SIP/{method}"
            async with session.post(url, data=body, headers=headers) as answer:
                json = answer.content_type == "application/json"
                content = await answer.json() if json else await answer.text()
                return answer.status, answer.content_type, content

        yield send


ADMIN, CALLS = api.SIPGrants(admin=True), api.SIPGrants(call=True)


async def test_an_inbound_trunk_lives_through_its_life(lk: api.LiveKitAPI) -> None:
    made = await lk.sip.create_inbound_trunk(
        api.CreateSIPInboundTrunkRequest(trunk=api.SIPInboundTrunkInfo(**TRUNK))
    )
    assert made.sip_trunk_id.startswith("ST_")
    assert made.created_at.seconds
    listed = await lk.sip.list_inbound_trunk(
        api.ListSIPInboundTrunkRequest(numbers=["1 555 000 1111"])
    )
    assert [trunk.name for trunk in listed.items] == ["ours"]
    changed = await lk.sip.update_inbound_trunk_fields(
        made.sip_trunk_id, numbers=["+15550002222"], name="renamed"
    )
    assert (changed.name, list(changed.numbers)) == ("renamed", ["+15550002222"])
    assert changed.created_at == made.created_at
    replaced = await lk.sip.update_inbound_trunk(
        made.sip_trunk_id, api.SIPInboundTrunkInfo(**TRUNK)
    )
    assert (replaced.sip_trunk_id, replaced.name) == (made.sip_trunk_id, "ours")
    gone = await lk.sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=made.sip_trunk_id))
    assert gone.sip_trunk_id == made.sip_trunk_id
    assert not (await lk.sip.list_inbound_trunk(api.ListSIPInboundTrunkRequest())).items


async def test_an_outbound_trunk_lives_through_its_life(lk: api.LiveKitAPI) -> None:
    info = api.SIPOutboundTrunkInfo(address="carrier.example", **TRUNK)
    made = await lk.sip.create_outbound_trunk(api.CreateSIPOutboundTrunkRequest(trunk=info))
    changed = await lk.sip.update_outbound_trunk_fields(made.sip_trunk_id, address="b.example")
    assert (changed.address, changed.name) == ("b.example", "ours")
    listed = await lk.sip.list_outbound_trunk(
        api.ListSIPOutboundTrunkRequest(trunk_ids=[made.sip_trunk_id])
    )
    assert [trunk.address for trunk in listed.items] == ["b.example"]
    await lk.sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=made.sip_trunk_id))
    with pytest.raises(api.ServerError, match="requested sip trunk does not exist") as caught:
        await lk.sip.delete_trunk(api.DeleteSIPTrunkRequest(sip_trunk_id=made.sip_trunk_id))
    assert (caught.value.code, caught.value.status) == ("not_found", 404)


def individual(prefix: str) -> api.SIPDispatchRule:
    kind = api.SIPDispatchRuleIndividual(room_prefix=prefix)
    return api.SIPDispatchRule(dispatch_rule_individual=kind)


async def test_a_dispatch_rule_comes_in_either_form(lk: api.LiveKitAPI) -> None:
    config = api.RoomConfiguration(agents=[api.RoomAgentDispatch(agent_name="host", metadata="{}")])
    flat = await lk.sip.create_dispatch_rule(
        api.CreateSIPDispatchRuleRequest(
            rule=individual("flat"),
            trunk_ids=["ST_1"],
            name="flat",
            attributes={"a": "1"},
            room_config=config,
        )
    )
    whole = await lk.sip.create_dispatch_rule(
        api.CreateSIPDispatchRuleRequest(
            dispatch_rule=api.SIPDispatchRuleInfo(rule=individual("whole"), trunk_ids=["ST_2"])
        )
    )
    assert flat.sip_dispatch_rule_id.startswith("SDR_")
    assert (flat.name, dict(flat.attributes)) == ("flat", {"a": "1"})
    assert flat.room_config == config
    changed = await lk.sip.update_dispatch_rule_fields(
        whole.sip_dispatch_rule_id, rule=individual("other"), metadata="new", attributes={"b": "2"}
    )
    assert changed.rule.dispatch_rule_individual.room_prefix == "other"
    assert (changed.metadata, dict(changed.attributes)) == ("new", {"b": "2"})
    listed = await lk.sip.list_dispatch_rule(api.ListSIPDispatchRuleRequest(trunk_ids=["ST_2"]))
    assert [rule.metadata for rule in listed.items] == ["new"]
    delete = api.DeleteSIPDispatchRuleRequest(sip_dispatch_rule_id=flat.sip_dispatch_rule_id)
    await lk.sip.delete_dispatch_rule(delete)
    with pytest.raises(api.ServerError, match="requested sip dispatch rule does not exist"):
        await lk.sip.delete_dispatch_rule(delete)


async def test_rivals_are_refused(lk: api.LiveKitAPI) -> None:
    trunk = api.CreateSIPInboundTrunkRequest(trunk=api.SIPInboundTrunkInfo(**TRUNK))
    await lk.sip.create_inbound_trunk(trunk)
    with pytest.raises(api.ServerError, match="Conflicting inbound SIP Trunks") as caught:
        await lk.sip.create_inbound_trunk(trunk)
    assert caught.value.code == "invalid_argument"
    rule = api.CreateSIPDispatchRuleRequest(rule=individual("call"))
    await lk.sip.create_dispatch_rule(rule)
    with pytest.raises(api.ServerError, match="already exists in dispatch rule"):
        await lk.sip.create_dispatch_rule(rule)


@pytest.mark.parametrize(
    ("trunk", "text"),
    [
        ({"address": "carrier.example"}, "no trunk numbers specified"),
        ({"numbers": ["+1"]}, "no outbound address specified"),
        ({"numbers": ["+1"], "address": "sip:carrier.example"}, "not SIP URI"),
        ({"numbers": ["+1"], "address": "c", "sip_trunk_id": "ST_1"}, "must not be set"),
    ],
)
async def test_a_useless_outbound_trunk_is_refused(
    lk: api.LiveKitAPI, trunk: dict[str, Any], text: str
) -> None:
    info = api.SIPOutboundTrunkInfo(**trunk)
    with pytest.raises(api.ServerError, match=text):
        await lk.sip.create_outbound_trunk(api.CreateSIPOutboundTrunkRequest(trunk=info))


async def test_an_inbound_trunk_must_not_be_open_to_the_world(lk: api.LiveKitAPI) -> None:
    info = api.SIPInboundTrunkInfo(name="open")
    with pytest.raises(api.ServerError, match="for security"):
        await lk.sip.create_inbound_trunk(api.CreateSIPInboundTrunkRequest(trunk=info))


async def test_json_is_answered_with_json(post: Callable[..., Any], lk: api.LiveKitAPI) -> None:
    info = api.SIPInboundTrunkInfo(**TRUNK)
    made = await lk.sip.create_inbound_trunk(api.CreateSIPInboundTrunkRequest(trunk=info))
    body = f'{{"sipTrunkId": "{made.sip_trunk_id}"}}'.encode()
    status, kind, answer = await post("GetSIPInboundTrunk", body, ADMIN)
    assert (status, kind) == (200, "application/json")
    assert answer["trunk"]["sip_trunk_id"] == made.sip_trunk_id
    assert answer["trunk"]["allowed_numbers"] == []


@pytest.mark.parametrize("method", ["CreateSIPParticipant", "ListSIPInboundTrunk"])
async def test_a_token_with_the_right_grant_is_needed(
    post: Callable[..., Any], method: str
) -> None:
    wrong = ADMIN if method == "CreateSIPParticipant" else CALLS
    for grants in (None, wrong):
        status, _, answer = await post(method, b"{}", grants)
        assert (status, answer) == (
            401,
            {"code": "unauthenticated", "msg": "permissions denied"},
        )


async def test_a_forged_token_is_refused_in_plain_text_and_not_repeated(
    post: Callable[..., Any],
) -> None:
    status, kind, answer = await post("ListSIPInboundTrunk", b"{}", ADMIN, secret="x" * 32)
    assert (status, kind) == (401, "text/plain")
    assert answer.startswith("invalid token")
    assert "eyJ" not in answer


@pytest.mark.parametrize("kind", ["application/json", "application/protobuf"])
async def test_a_malformed_request_is_told_from_an_internal_error(
    post: Callable[..., Any], kind: str
) -> None:
    status, _, answer = await post("CreateSIPParticipant", b"\xff{", CALLS, kind=kind)
    assert (status, answer["code"]) == (400, "malformed")


@pytest.mark.parametrize(
    ("method", "kind"), [("MakeCoffee", "application/json"), ("ListSIPInboundTrunk", "text/plain")]
)
async def test_an_unknown_method_or_content_type_is_a_bad_route(
    post: Callable[..., Any], method: str, kind: str
) -> None:
    status, _, answer = await post(method, b"{}", ADMIN, kind=kind)
    assert (status, answer["code"]) == (404, "bad_route")
    assert answer["meta"] == {"twirp_invalid_route": f"POST /twirp/livekit.SIP/{method}"}


@pytest.mark.parametrize(
    ("status", "now", "then"),
    [
        (400, "invalid_argument", "invalid_argument"),
        (403, "permission_denied", "permission_denied"),
        (404, "not_found", "invalid_argument"),
        (408, "deadline_exceeded", "deadline_exceeded"),
        (410, "not_found", "internal"),
        (480, "failed_precondition", "unavailable"),
        (486, "failed_precondition", "unavailable"),
        (487, "aborted", "aborted"),
        (488, "invalid_argument", "internal"),
        (500, "failed_precondition", "internal"),
        (503, "failed_precondition", "unavailable"),
        (504, "deadline_exceeded", "deadline_exceeded"),
        (600, "resource_exhausted", "unavailable"),
        (603, "permission_denied", "unavailable"),
        (604, "not_found", "internal"),
        (608, "permission_denied", "internal"),
    ],
)
def test_each_generation_has_its_own_code_for_a_sip_status(
    status: int, now: str, then: str
) -> None:
    assert NOW.invite_failed(status, "Reason").code == now
    assert YEAR_2025.invite_failed(status, "Reason").code == then


@pytest.mark.parametrize("status", [401, 407])
@pytest.mark.parametrize(
    ("profile", "code"), [(NOW, "failed_precondition"), (YEAR_2025, "unknown")]
)
def test_a_carrier_that_wants_a_password_is_an_error_without_a_sip_status(
    profile: Profile, code: str, status: int
) -> None:
    error = profile.invite_failed(status, "Unauthorized")
    assert (error.code, error.meta) == (code, {})
    assert "server required auth, but no username or password was provided" in error.msg


@pytest.mark.parametrize(("status", "code"), [(603, "internal"), (403, "permission_denied")])
def test_the_livekit_sip_of_2025_has_no_sip_status_of_a_refused_transfer(
    status: int, code: str
) -> None:
    error = YEAR_2025.refer_refused(status, "Reason")
    assert (error.code, error.meta) == (code, {})
    assert NOW.refer_refused(status, "Reason").meta["sip_status_code"] == str(status)


def test_every_status_of_sip_has_an_error() -> None:
    for status in sip.SIPStatusCode.values():
        if status >= 300:
            for profile in (NOW, YEAR_2025):
                assert 400 <= profile.invite_failed(status, "").http_status < 600
