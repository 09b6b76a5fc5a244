"""Which trunk and which rule take a call, and what the room is called."""

import re
from typing import Any

import pytest
from livekit.protocol.sip import SIPDispatchRule, SIPDispatchRuleInfo, SIPInboundTrunkInfo

from host.local.exchange.rules import (
    NoRoute,
    match_rule,
    match_trunk,
    normalize,
    priority,
    room_name,
    route,
    rule_conflict,
    trunk_conflict,
)

CALLER, CALLED = "+15105550100", "+15550001111"


def a_rule(name: str = "R", **fields: Any) -> SIPDispatchRuleInfo:
    """Make a rule: `direct`, `individual` or `callee` take the fields of their kind."""
    kinds: dict[str, Any] = {
        f"dispatch_rule_{kind}": fields.pop(kind)
        for kind in ("direct", "individual", "callee")
        if kind in fields
    }
    rule = SIPDispatchRule(**(kinds or {"dispatch_rule_individual": {"room_prefix": "call"}}))
    return SIPDispatchRuleInfo(sip_dispatch_rule_id=name, rule=rule, **fields)


def a_trunk(name: str = "T", *numbers: str, allowed: tuple[str, ...] = ()) -> SIPInboundTrunkInfo:
    return SIPInboundTrunkInfo(sip_trunk_id=name, numbers=numbers, allowed_numbers=allowed)


@pytest.mark.parametrize(
    ("number", "normal"),
    [
        ("+1 (510) 555-0100", "+15105550100"),
        ("15105550100", "+15105550100"),
        ("", ""),
        ("alice", "alice"),
        ("anonymous", "anonymous"),
    ],
)
def test_numbers_are_brought_to_one_form(number: str, normal: str) -> None:
    assert normalize(number) == normal


def test_the_trunk_of_the_called_number_comes_before_the_one_for_all() -> None:
    trunks = [a_trunk("any"), a_trunk("other", "+19"), a_trunk("ours", "1 555 000 1111")]
    assert match_trunk(trunks, CALLER, CALLED).sip_trunk_id == "ours"
    assert match_trunk(trunks, CALLER, "+1777").sip_trunk_id == "any"


def test_the_trunk_of_a_number_is_found_however_it_is_written() -> None:
    for ours, dialled in (("15550001111", CALLED), (CALLED, "15550001111"), (CALLED, CALLED)):
        assert match_trunk([a_trunk("ours", ours)], CALLER, dialled).sip_trunk_id == "ours"


@pytest.mark.parametrize("numbers", [(CALLED, "15550001111"), ()], ids=["one number", "any number"])
def test_a_call_that_two_trunks_claim_is_turned_away(numbers: tuple[str, ...]) -> None:
    trunks = [a_trunk("first", *numbers[:1]), a_trunk("second", *numbers[1:])]
    with pytest.raises(NoRoute, match="Try again later") as refused:
        match_trunk(trunks, CALLER, CALLED)
    assert refused.value.sip_status == 503


def test_a_trunk_may_allow_some_callers_only() -> None:
    trunks = [a_trunk("vip", CALLED, allowed=("+1900",))]
    with pytest.raises(NoRoute, match="no trunk") as refused:
        match_trunk(trunks, CALLER, CALLED)
    assert refused.value.sip_status == 0
    assert match_trunk(trunks, "+1900", CALLED).sip_trunk_id == "vip"


def test_rules_rank_by_kind_and_by_what_they_leave_open() -> None:
    ranks = [
        priority(a_rule(direct={"pin": "1"}, inbound_numbers=["1"], numbers=["2"])),
        priority(a_rule(direct={}, inbound_numbers=["1"], numbers=["2"])),
        priority(a_rule(individual={}, inbound_numbers=["1"], numbers=["2"])),
        priority(a_rule(callee={}, inbound_numbers=["1"], numbers=["2"])),
        priority(a_rule(individual={}, numbers=["2"])),
        priority(a_rule(callee={})),
    ]
    assert ranks == [0, 100, 101, 102, 1101, 2102]


def test_a_rule_of_the_trunk_beats_a_better_one_for_any_trunk() -> None:
    rules = [
        a_rule("any", direct={"room_name": "x"}, numbers=[CALLED], inbound_numbers=[CALLER]),
        a_rule("ours", callee={}, trunk_ids=["T"]),
        a_rule("theirs", direct={"room_name": "x"}, trunk_ids=["U"]),
    ]
    assert match_rule(rules, "T", CALLER, CALLED).sip_dispatch_rule_id == "ours"
    assert match_rule(rules, "V", CALLER, CALLED).sip_dispatch_rule_id == "any"


def test_numbers_in_rules_are_compared_as_they_are_written() -> None:
    rules = [a_rule(numbers=["15550001111"])]
    with pytest.raises(NoRoute) as refused:
        match_rule(rules, "T", CALLER, CALLED)
    assert refused.value.sip_status == 0


@pytest.mark.parametrize(
    ("rule", "room"),
    [
        ({"individual": {"room_prefix": "call"}}, r"call_\+15105550100_\w{12}"),
        ({"individual": {"room_prefix": "call-"}}, r"call-_\+15105550100_\w{12}"),
        ({"individual": {}}, r"\+15105550100_\w{12}"),
        ({"individual": {"room_prefix": "call", "no_randomness": True}}, r"call_\+15105550100"),
        ({"callee": {"room_prefix": "desk"}}, r"desk_\+15550001111"),
        ({"callee": {"randomize": True}}, r"\+15550001111_\w{12}"),
        ({"direct": {"room_name": "lobby"}}, "lobby"),
    ],
)
def test_a_room_is_named_by_the_kind_of_its_rule(rule: dict[str, Any], room: str) -> None:
    assert re.fullmatch(room, room_name(a_rule(**rule), CALLER, CALLED))


def test_a_hidden_caller_is_known_by_a_digest_and_the_last_digits() -> None:
    rule = a_rule(individual={"room_prefix": "call"}, hide_phone_number=True)
    hidden = route(a_trunk(), rule, CALLER, CALLED, "carrier.example")
    assert re.fullmatch(r"sip_[0-9a-f]{16}", hidden.identity)
    assert hidden.name == "Phone 0100"
    assert hidden.room.startswith("call_0100_")
    assert hidden.numbers == {}
    assert route(a_trunk(), rule, "911", CALLED, "h").name == "Phone 1"


def test_trunks_that_would_take_the_same_calls_conflict() -> None:
    ours = a_trunk("ours", CALLED)
    assert trunk_conflict(ours, [a_trunk("other", "+19"), a_trunk("any")]) is None
    assert trunk_conflict(ours, [ours]) is None
    rival = a_trunk("rival", "+1777", CALLED)
    assert trunk_conflict(ours, [rival]) is rival
    assert trunk_conflict(ours, [a_trunk("in another spelling", "1-555-000-1111")]) is None
    assert trunk_conflict(ours, [a_trunk("vip", CALLED, allowed=("+1900",))]) is None


def test_rules_for_the_same_calls_conflict() -> None:
    ours = a_rule("ours", trunk_ids=["T"])
    assert rule_conflict(ours, [ours, a_rule("any"), a_rule("U", trunk_ids=["U"])]) is None
    assert rule_conflict(ours, [a_rule("pin", direct={"pin": "1"}, trunk_ids=["T"])]) is None
    rival = a_rule("rival", callee={}, trunk_ids=["T"])
    assert rule_conflict(ours, [rival]) is rival
