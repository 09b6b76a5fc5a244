"""Keys that dial through: no press dials what the gate would refuse, if there were a dial tone."""

from __future__ import annotations

from typing import Any

import pytest
from carrier import Carrier, Room, put_on_line
from sample_calls import call_of

from host import HostError
from host.call.keypad import read_presses
from host.compliance import Gate, KeyRules, Rule
from host.settings import Settings

pytestmark = pytest.mark.usefixtures("keys_in_no_time")

US, DE, FR, GB = "+12125550123", "+4930123456", "+33123456789", "+442071234567"


def pressed(
    far_end: str | None, *presses: str, ours: str | None = None, rung: bool = False, **settings: Any
) -> list[str]:
    """Press these one after the other; give those that went out."""
    deployment = Settings(**{"countries": ["US", "DE", "FR", "GB"], **settings})
    gate = Gate(deployment, deployment.persona("desk"))
    rules = KeyRules(gate.numbers, far_end, ours, rung=rung)
    out = []
    for written in presses:
        keys = read_presses(written)
        verdict = rules.judge(keys)
        assert verdict.rule in (None, Rule.KEYS)
        if verdict.allowed:
            out.append(written)
            for key in keys:
                rules.pressed(key) if isinstance(key, str) else rules.paused()
            rules.paused()
    return out


@pytest.mark.parametrize(
    ("far_end", "written"),
    [
        (US, "01153512345678"),  # abroad, which is not called
        (US, "901153512345678"),
        (US, "9,w011535w12345678"),
        (US, "1901153512345678"),  # 1 for an outside line
        (US, "1,01153512345678"),
        (US, "#01153512345678"),
        (US, "*01153512345678#"),
        (US, "0053512345678"),
        (US, "9005551234"),  # premium
        (US, "19005551234"),
        (US, "919005551234#"),
        (US, "2129761234"),
        (US, "2125551212"),
        (US, "918765551234"),  # Jamaica
        (US, "*6719005551234"),  # hides the caller's number
        (US, "*679005551234"),
        (US, "9*67,19005551234"),
        (US, "*27219005551234"),
        (US, "*7219005551234"),  # forwards every call
        (US, "**21*19005551234#"),
        (US, "116719005551234"),  # the same from a dial without a star
        (US, "91167,1900,555,1234"),
        (US, "101028801153512345678"),  # by another carrier
        (US, "*67911"),
        (US, "1167911"),
        (US, "01167112"),
        (US, "911"),
        (US, "9911"),
        (US, "99110"),
        (US, "9,911"),
        (US, "2#911#"),
        (US, "112"),
        (US, "1911"),  # a menu takes the first key
        (US, "5911"),
        (US, "19911"),
        (US, "5,9,11"),
        (US, "9A1A1"),  # a receiver of twelve keys hears no A
        (US, "9,1D1"),
        (US, "90115351A2345678"),
        (US, "9A0053512345678"),
        (US, "9411"),  # directory assistance
        (US, "4,9,411"),
        (US, "91411"),
        (US, "95551212"),
        (US, "99761234"),  # premium, within the area
        (GB, "9118500"),
        (FR, "9118218"),
        (DE, "011833"),
        (DE, "0053512345678"),
        (DE, "00053512345678"),
        (DE, "009001123456"),
        (DE, "09001123456"),
        (DE, "110"),
        (DE, "0110"),
        (GB, "09012345678"),
        (GB, "909012345678"),
        (GB, "07012345678"),
        (GB, "14109012345678"),  # hides the caller's number
        (GB, "999"),
        (GB, "9999"),
        (GB, "141999"),
        (GB, "128009012345678"),  # by another carrier
        (GB, "9,1280,09012345678"),
        (GB, "1280999"),
        (DE, "010130053512345678"),
        (DE, "0,01013,0053512345678"),
        (DE, "01008809001123456"),
        (DE, "01013110"),
        (FR, "15"),
        (FR, "017"),
        (FR, "0899123456"),
        (None, "9011535123456789"),
        (None, "911"),
    ],
)
def test_what_could_dial_a_forbidden_number_is_not_pressed(
    far_end: str | None, written: str
) -> None:
    assert pressed(far_end, written) == []


@pytest.mark.parametrize(
    ("far_end", "written"),
    [
        (US, "1"),
        (US, "2,w5#"),
        (US, "1w2,,345#"),
        (US, "0"),
        (US, "*9"),
        (US, "*12#"),
        (US, "*1234567890#"),
        (US, "12,23,1970#"),
        (US, "1134567890#"),
        (US, "12345678#"),
        (US, "12A3B4C5D"),
        (US, "411"),  # no outside line
        (US, "9412#"),
        (US, "2125550199"),  # a number that may be called
        (US, "12125550199"),
        (US, "011442071234567"),
        (DE, "0301234567"),
        (DE, "00442071234567"),
        (GB, "02071234567"),
        (GB, "01189123456"),  # Reading
        (FR, "0123456789"),
        (None, "1,2,3#"),
    ],
)
def test_what_menus_ask_for_is_pressed(far_end: str | None, written: str) -> None:
    assert pressed(far_end, written) == [written]


FORGED = [None, "anonymous", "+881612345678", "5550001", US, DE, "+5351234567"]
"""What somebody may show who rings us: nothing, no number, and numbers of other countries."""


@pytest.mark.parametrize("shown", FORGED)
@pytest.mark.parametrize("written", ["9,19005551234", "9005551234", "918765551234#", "9911"])
def test_no_caller_opens_keys_by_the_number_that_they_show(shown: str | None, written: str) -> None:
    assert pressed(shown, written, rung=True, countries=["US"]) == []
    assert pressed(shown, written, ours=US, rung=True, countries=[]) == []
    assert pressed(shown, written, rung=True, countries=[], caller_id=US) == []


@pytest.mark.parametrize("shown", [*FORGED, GB])
def test_a_caller_who_shows_a_country_is_held_to_it_too(shown: str | None) -> None:
    out = pressed(shown, "09012345678", "999", ours=US, rung=True, countries=["US"])
    assert out == ([] if shown == GB else ["09012345678", "999"])


@pytest.mark.parametrize("shown", FORGED)
def test_menus_of_whoever_rings_us_are_gone_through_whatever_they_show(shown: str | None) -> None:
    menus = ["1", "2,w5#", "0", "*12#", "12345678#", "2125550199"]
    assert pressed(shown, *menus, ours=US, rung=True, countries=["US"]) == menus


def test_a_number_that_we_dialled_is_held_to_its_own_country_alone() -> None:
    assert pressed(GB, "9005551234", ours=US) == ["9005551234"]
    assert pressed(US, "9005551234", ours=US) == []


@pytest.mark.parametrize(
    "presses",
    [
        ["9", "1", "1"],
        ["1", "9", "1", "1"],
        ["1", "2", "3", "9", "1", "1"],
        ["9", "A", "1", "1"],
        ["9A1", "B1"],
        ["9011", "A5351", "2345678"],
        ["9", "4", "11"],
        ["9", "9", "1", "1"],
        ["9", "1", "15"],
        ["1", "2", "9", "011", "53", "512345678"],
        ["9011535", "12345678"],
        ["9005", "551", "234"],
        ["4", "9,900", "555", "1234"],
        ["5", "#", "900555", "1234"],
        ["*", "67", "1900555", "1234"],
        ["*67", "911"],
    ],
)
def test_a_number_is_not_pressed_in_pieces_either(presses: list[str]) -> None:
    assert pressed(US, *presses) == presses[:-1]


def test_what_ends_a_number_begins_another() -> None:
    assert pressed(US, "9", "#", "1", "1") == ["9", "#", "1", "1"]
    assert pressed(US, "1,2,3,4,5,6", "#", "5551234#") == ["1,2,3,4,5,6", "#", "5551234#"]


def test_keys_of_long_ago_are_no_part_of_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("host.compliance.keys.FORGOTTEN", -1.0)
    assert pressed(US, "9", "1", "1") == ["9", "1", "1"]


async def test_a_refused_press_sends_no_key_at_all(carrier: Carrier) -> None:
    async with carrier.livekit() as livekit:
        call = call_of(Settings(countries=["US"]), US)
        room = put_on_line(call, livekit)
        with pytest.raises(HostError, match=r"a blocked number .* \(rule: keys\)"):
            await call.press("5#9011535123456789")
        assert room.keys == ""
        await call.press("5#")
        assert room.keys == "5#"
        assert len(call.state.keys) == 2


@pytest.mark.parametrize("shown", FORGED)
async def test_a_caller_has_no_key_pressed_that_dials_in_our_country(
    carrier: Carrier, shown: str | None
) -> None:
    async with carrier.livekit() as livekit:
        call = call_of(Settings(countries=["FR"]), shown)
        call.state.outbound, call.state.our_number = False, US
        room = put_on_line(call, livekit)
        with pytest.raises(HostError, match=r"\(rule: keys\)"):
            await call.press("9,19005551234")
        await call.press("5#")
    assert room.keys == "5#"


async def test_a_persona_may_be_allowed_to_press_anything(carrier: Carrier) -> None:
    async with carrier.livekit() as livekit:
        call = call_of(Settings(countries=["US"], personas={"desk": {"keys_may_dial": True}}), US)
        room: Room = put_on_line(call, livekit)
        await call.press("911")
    assert room.keys == "911"


def test_nobody_writes_more_keys_at_once_than_anyone_needs() -> None:
    assert len(read_presses("1" * 100)) == 100
    with pytest.raises(HostError, match="more than 100"):
        read_presses("1" * 101)
