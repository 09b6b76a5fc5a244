"""The rules by name: which one refuses, what beats what, and what a deployment may open."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from carrier import Carrier, colleague_of, place, put_on_line
from sample_calls import call_of

from host import HostError
from host.compliance import Gate, Rule, faults_of
from host.records.outcome import Outcome
from host.settings import Settings
from host.telephony.far_end import LiveKitFarEnd
from host.telephony.transfer.failure import TransferFailed

DAY = datetime(2026, 11, 23, 19, tzinfo=UTC)
"""It is day from New York to Honolulu."""
OURS: dict[str, Any] = {"caller_id": "+12125550100"}


def rule_of(number: str, **settings: Any) -> Rule | None:
    """The rule that refuses a number by day; None where it may be dialled."""
    deployment = Settings(**{**OURS, **settings})
    return Gate(deployment, deployment.persona("desk")).dial(number, DAY, attempt=False).rule


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("+12125550123", None),
        ("+18002123456", None),
        ("sip:bob@pbx.example", Rule.SIP_URI),
        ("SIPS:bob", Rule.SIP_URI),
        ("+19005551234@carrier", Rule.SIP_URI),
        ("911", Rule.EMERGENCY),
        ("112", Rule.EMERGENCY),
        ("+1911", Rule.EMERGENCY),
        ("+44999", Rule.EMERGENCY),
        ("411", Rule.SHORT_CODE),
        ("12345", Rule.SHORT_CODE),
        ("+49116117", Rule.SHORT_CODE),
        ("2125550123", Rule.NOT_E164),
        ("tel:+12125550123", Rule.NOT_E164),
        ("", Rule.NOT_E164),
        ("+99912345678", Rule.INVALID),
        ("+15552220001", Rule.INVALID),
        ("+12125550", Rule.INVALID),
        ("+4401212345678", Rule.INVALID),
        ("+881612345678", Rule.SATELLITE),
        ("+870301234567", Rule.SATELLITE),
        ("+88812345678901", Rule.SATELLITE),
        ("+979123456789", Rule.SATELLITE),
        ("+80012345678", Rule.SATELLITE),
        ("+16002345678", Rule.SATELLITE),
        ("+61147123456", Rule.SATELLITE),
        ("+62868123456", Rule.SATELLITE),
        ("+79541234567", Rule.SATELLITE),
        ("+8613491234567", Rule.SATELLITE),
        ("+442071234567", Rule.COUNTRY),
        ("+14165550123", Rule.COUNTRY),
        ("+18765551234", Rule.CARIBBEAN),
        ("+18092345678", Rule.CARIBBEAN),
        ("+12684601234", Rule.CARIBBEAN),
        ("+19005551234", Rule.TYPE),
        ("+12129761234", Rule.TYPE),
        ("+12125551212", Rule.TYPE),
    ],
)
def test_each_refusal_names_its_rule(text: str, rule: Rule | None) -> None:
    assert rule_of(text) is rule


@pytest.mark.parametrize(
    ("number", "opened"),
    [
        ("+442071234567", {"countries": ["GB"]}),
        ("+18765551234", {"countries": ["JM"]}),
        ("+19005551234", {"number_types": ["premium"]}),
        ("+881612345678", {"allow_numbers": ["+8816*"]}),
        ("+16002345678", {"allow_numbers": ["+1600*"]}),
        ("+15552220001", {"allow_numbers": ["+1555*"]}),
        ("+442071234567", {"allow_numbers": ["+442071234567"], "number_types": []}),
    ],
)
def test_a_deployment_may_open_each_of_them_by_name(number: str, opened: dict[str, Any]) -> None:
    anytime = {"calling_hours": ""}
    assert rule_of(number, **anytime) is not None
    assert rule_of(number, **opened, **anytime) is None


def test_a_country_does_not_open_satellite_telephones_that_have_its_numbers() -> None:
    opened = {"countries": ["CA", "AU", "RU"], "calling_hours": ""}
    for number in ("+16002345678", "+61147123456", "+79541234567"):
        assert rule_of(number, **opened) is Rule.SATELLITE


def test_numbers_of_our_own_in_the_caribbean_open_no_country() -> None:
    own = {"caller_id": "+18765550100", "calling_hours": ""}
    assert rule_of("+18765551234", **own) is Rule.COUNTRY
    assert rule_of("+18765551234", **own, countries=["JM"]) is None


def test_to_allow_one_number_allows_no_other() -> None:
    only = {"allow_numbers": ["+442071234567"], "number_types": []}
    assert rule_of("+442071234568", **only) is Rule.COUNTRY
    assert rule_of("+12125550123", **only) is Rule.TYPE


@pytest.mark.parametrize("denied", ["+12125550123", "+1212*", "+1*"])
def test_deny_beats_allow(denied: str) -> None:
    assert rule_of("+12125550123", deny_numbers=[denied], allow_numbers=["+1212*"]) is Rule.DENIED


@pytest.mark.parametrize(
    "denied", ["+4420", "+4402079460958", "+121255501995", "+15550199", "+999123456789"]
)
def test_what_would_deny_nothing_is_told_at_once(denied: str) -> None:
    with pytest.raises(ValueError, match="no whole number as it is dialled; beginnings end with a"):
        Settings(deny_numbers=[denied])


@pytest.mark.parametrize("denied", ["+4420*", "+442079460958", "+15552220001", "+390612345678"])
def test_numbers_and_beginnings_are_denied(denied: str) -> None:
    assert Settings(deny_numbers=[denied]).deny_numbers == (denied,)


@pytest.mark.parametrize(
    ("number", "rule"),
    [
        ("+1911", Rule.EMERGENCY),
        ("911", Rule.EMERGENCY),
        ("+44999123", Rule.EMERGENCY),
        ("+449991234567", Rule.EMERGENCY),
        ("+19115550123", Rule.EMERGENCY),
        ("+491121234", Rule.EMERGENCY),
        ("+49116117", Rule.SHORT_CODE),
    ],
)
def test_nothing_opens_emergency_numbers_and_short_codes(number: str, rule: Rule) -> None:
    opened = {"allow_numbers": ["+1911", "+1*", "+4*"], "countries": ["US", "DE"]}
    assert rule_of(number, **opened) is rule


def test_a_personas_own_denials_come_beside_those_for_all() -> None:
    settings = Settings(
        **OURS,
        deny_numbers=["+12125550101"],
        personas={"desk": {"deny_numbers": ["+12125550102"]}, "other": {"countries": ["GB"]}},
    )
    desk, other = (Gate(settings, settings.persona(each)) for each in ("desk", "other"))
    rules = [desk.dial(f"+1212555010{each}", DAY, attempt=False).rule for each in (1, 2, 3)]
    assert rules == [Rule.DENIED, Rule.DENIED, None]
    assert other.numbers.judge("+12125550103").rule is Rule.COUNTRY


# Transfers

TARGETS = {
    "bob": "sip:bob@pbx.example",
    "desk": "+12125550101",
    "written": "tel:+12125550102",
    "abroad": "+442071234567",
    "premium": {"number": "+19005551234", "warm": True},
    "warm": {"number": "+12125550103", "warm": True},
    "extension": "tel:+12125550104;ext=5",
    "police": "911",
    "shouted": "SIP:ann@pbx.example",
    "upper": "TEL:+12125550105",
}


def with_targets(**more: Any) -> Settings:
    return Settings(
        **OURS, trunk="ST_1", transfers=TARGETS, words={"transfer": "", **QUIET}, **more
    )


QUIET = {"transfer_failed": ""}


async def test_a_transfer_goes_to_targets_that_the_number_rules_allow(carrier: Carrier) -> None:
    refused = {}
    async with carrier.livekit() as livekit:
        for name in (name for name in TARGETS if name != "warm"):
            call = call_of(with_targets(), "+12125550123")
            put_on_line(call, livekit)
            try:
                await call.transfer(name)
            except HostError as error:
                refused[name] = str(error)
            assert call.over is (name not in refused)
            assert call.state.transfers[-1].reason == refused.get(name, "")
    assert carrier.referred == [
        "sip:bob@pbx.example",
        "tel:+12125550101",
        "tel:+12125550102",
        "sip:ann@pbx.example",
        "tel:+12125550105",
    ]
    assert carrier.dialled == []
    rules = {name: text.rpartition("(rule: ")[2].rstrip(")") for name, text in refused.items()}
    assert rules == {
        "abroad": "country",
        "extension": "not_e164",
        "police": "emergency",
        "premium": "type",
    }


async def test_a_colleague_is_rung_through_the_gate(carrier: Carrier) -> None:
    call = call_of(with_targets(), "+12125550123")
    async with carrier.livekit() as livekit:
        await colleague_of(livekit, call, "warm").ring(60)
        with pytest.raises(TransferFailed, match=r"\(rule: type\)"):
            await colleague_of(livekit, call, "premium").ring(60)
        call = call_of(with_targets().model_copy(update={"caller_id": None}), "+12125550123")
        with pytest.raises(TransferFailed, match="no caller ID for a SIP address"):
            await colleague_of(livekit, call, "bob").ring(60)
        call.state.our_number = "+12125550100"
        await colleague_of(livekit, call, "bob").ring(60)
    assert carrier.dialled == ["+12125550103", "bob"]
    number, address = carrier.requests
    assert (number.sip_trunk_id, number.HasField("trunk")) == ("ST_1", False)
    assert (address.sip_trunk_id, address.sip_number) == ("", "+12125550100")
    assert (address.trunk.hostname, address.trunk.transport) == ("pbx.example", 0)


async def test_keys_behind_a_target_are_judged_like_keys_that_are_pressed(
    carrier: Carrier,
) -> None:
    target = {"number": "+12125550101", "keys": "ww9,19005551234"}
    settings = Settings(**OURS, trunk="ST_1", transfers={"desk": target})
    open_settings = settings.model_copy(update={"keys_may_dial": True})
    async with carrier.livekit() as livekit:
        call = call_of(settings, "+12125550123")
        with pytest.raises(TransferFailed, match=r"an outside line \(rule: keys\)"):
            await colleague_of(livekit, call, "desk").ring(60)
        call = call_of(open_settings, "+12125550123")
        await colleague_of(livekit, call, "desk").ring(60)
    assert [request.dtmf for request in carrier.requests] == ["ww9wwww19005551234"]
    (fault,) = faults_of(settings, ["desk"])
    assert fault.startswith("transfer target desk of desk can't be dialled: the keys could dial")


async def test_keys_of_a_dial_are_judged_before_anything_is_dialled(carrier: Carrier) -> None:
    settings = Settings(**OURS, trunk="ST_1", ringing_timeout=70, calling_hours="")
    open_settings = settings.model_copy(update={"keys_may_dial": True})
    async with carrier.livekit() as livekit:
        call = call_of(settings, "+12125550123")
        call.state.metadata = {"dtmf": "9,19005551234"}
        ending = await place(livekit, call)
        assert ending is not None
        assert (ending.outcome, ending.worth_a_retry) == (Outcome.BLOCKED, False)
        assert "an outside line (rule: keys)" in ending.reason
        assert carrier.dialled == []
        assert not (settings.state_dir / "state.db").exists(), "it counts as no attempt"
        call = call_of(open_settings, "+12125550123")
        call.state.metadata = {"dtmf": "9,1900555123A"}
        await place(livekit, call)
    (request,) = carrier.requests
    assert request.dtmf == "9wwww1900555123a"
    assert request.ringing_timeout.seconds == 70


async def test_an_answer_and_its_keys_are_in_time_for_livekit(carrier: Carrier) -> None:
    settings = Settings(**OURS, trunk="ST_1", ringing_timeout=70, calling_hours="")
    async with carrier.livekit() as livekit:
        call = call_of(settings, "+12125550123")
        call.state.metadata = {"dtmf": "w" * 50}
        await place(livekit, call)
    assert carrier.requests[0].ringing_timeout.seconds == 78 - 25


async def test_keys_that_follow_those_of_a_dial_are_judged_with_them(carrier: Carrier) -> None:
    call = call_of(Settings(**OURS, trunk="ST_1", calling_hours=""), "+12125550123")
    async with carrier.livekit() as livekit:
        put_on_line(call, livekit)
        assert isinstance(call.far_end, LiveKitFarEnd)
        call.far_end.keys.dialled("9,1900555")
        with pytest.raises(HostError, match="rule: keys"):
            await call.press("1234")
    assert "".join(key.digit for key in call.state.keys) == "91900555"


async def test_every_target_of_a_list_is_judged(carrier: Carrier) -> None:
    settings = Settings(
        **OURS,
        trunk="ST_1",
        transfers={"desk": [{"number": "+19005551234", "warm": True}, "+12125550101"]},
        words={"transfer": "", **QUIET},
    )
    async with carrier.livekit() as livekit:
        call = call_of(settings, "+12125550123")
        put_on_line(call, livekit)
        await call.transfer("desk")
    assert (carrier.dialled, carrier.referred) == ([], ["tel:+12125550101"])
    assert [each.succeeded for each in call.state.transfers] == [False, True]
    assert "(rule: type)" in call.state.transfers[0].reason


async def test_transfers_know_no_hours_and_no_attempts(carrier: Carrier) -> None:
    settings = with_targets(calling_hours="00:00-00:01", max_attempts_a_day=1)
    async with carrier.livekit() as livekit:
        for _ in range(3):
            call = call_of(settings, "+12125550123")
            put_on_line(call, livekit)
            await call.transfer("desk")
    assert carrier.referred == ["tel:+12125550101"] * 3


# What is told at the start


def test_targets_that_nobody_is_sent_to_are_told_at_the_start() -> None:
    settings = Settings(
        **OURS,
        transfers={"sales": "+12125550101", "hotline": "+19005551234"},
        personas={"desk": {"countries": ["GB"]}},
    )
    told = list(faults_of(settings, ["desk", "other"]))
    assert sorted(told) == [
        "transfer target hotline of other can't be dialled: "
        "numbers of type premium are not allowed (rule: type)",
        "transfer target sales of desk can't be dialled: "
        "US is not one of the allowed countries (rule: country)",
    ]


def test_a_do_not_call_list_that_stops_all_dialling_is_told_at_the_start() -> None:
    settings = Settings(**OURS, do_not_call="/nowhere/list.txt")
    assert list(faults_of(settings, ["desk"])) == [
        "no persona can place calls: the do-not-call list /nowhere/list.txt does not exist"
    ]
    assert list(faults_of(Settings(**OURS), ["desk"])) == []


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({}, "none of the host's own numbers is in a country"),
        ({"caller_id": "2125550100"}, "caller_id is not an E.164 number"),
        ({"caller_id": "+1 212 555 0100"}, "caller_id is not an E.164 number"),
        (
            {"personas": {"desk": {"numbers": ["12125550100"]}}},
            "some of its numbers are not in E.164",
        ),
        ({"caller_id": "+18765550100"}, "none of the host's own numbers is in a country"),
    ],
)
def test_a_host_that_can_call_nobody_is_told_at_the_start(
    settings: dict[str, Any], why: str
) -> None:
    (told,) = faults_of(Settings(trunk="ST_1", **settings), ["desk"])
    assert told.startswith(f"desk can't place calls: {why}")
    assert told.endswith(" (set countries)")


@pytest.mark.parametrize(
    "settings",
    [
        {"trunk": None},
        {"countries": ["US"], "caller_id": "2125550100"},
        {"caller_id": "+12125550100"},
        {"allow_numbers": ["+1555*"]},
    ],
)
def test_a_host_that_can_call_somebody_or_has_no_trunk_is_told_nothing(
    settings: dict[str, Any],
) -> None:
    assert list(faults_of(Settings(**{"trunk": "ST_1", **settings}), ["desk"])) == []
