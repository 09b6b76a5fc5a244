"""SIP headers: which attributes of LiveKit SIP are some, and how much of them is kept."""

from __future__ import annotations

from host.call.headers import LONGEST, MOST, headers_shown


def test_headers_are_named_as_the_trunk_has_them_shown() -> None:
    attributes = {
        "sip.h.x-case": "4711",
        "account": "42",
        "sip.phoneNumber": "+15550001111",
        "sip.twilio.callSid": "CA1",
        "lk.sip.inviteTime": "1",
        "lktest.id": "7",
    }
    assert headers_shown(attributes) == {"account": "42", "x-case": "4711"}


def test_headers_are_bounded_and_show_all_their_characters() -> None:
    many = {f"sip.h.x-{number:03}": "y" * 1000 for number in range(100)}
    headers = headers_shown(many)
    assert list(headers) == [f"x-{number:03}" for number in range(MOST)]
    assert {len(value) for value in headers.values()} == {LONGEST}
    hostile = headers_shown(
        {"sip.h.x": "a\r\nb\u202e", "sip.h.a\nb": "c", f"sip.h.{'z' * 65}": "d"}
    )
    assert hostile == {"x": "a\ufffd\ufffdb\ufffd"}
