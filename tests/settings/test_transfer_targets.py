"""Transfer targets, as host.toml writes them, and what is wrong with some."""

from __future__ import annotations

from typing import Any

import pytest
from deployment import Deployment

from host.base.errors import HostError
from host.base.sip import SipAddress
from host.settings import PersonaSettings, TransferTarget, load_settings

NUMBER = "+15550003101"


@pytest.mark.parametrize(
    ("table", "refusal"),
    [
        ('mode = "bridge"\nwarm = true', "mode is for cold transfers, and this one is warm"),
        ('mode = "refer"\nkeys = "12"', "after a REFER, no keys can be pressed"),
        ('mode = "blind"', "mode must be 'auto', 'refer' or 'bridge'"),
        ('keys = "12x"', "keys must be keys such as ww12#"),
        ('keys = "w,w,w,w,w,w,w,w,w,"\nringing_timeout = 70', "take more than 78 s"),
        ("headers = { Via = 'me' }", "'Via' can't be set: only X-... headers"),
        ("headers = { 'X-A: b' = 'me' }", "'X-A: b' can't be set"),
        ("headers = { From = 'me' }", "'From' can't be set"),
        ('headers = { X-A = "b\\r\\nFrom: me" }', "X-A must be one line"),
        ("headers = { X-A = '{0}' }", "X-A has a brace that is no placeholder"),
        ("headers = { X-A = '{call.settings}' }", "X-A has a brace that is no placeholder"),
    ],
)
def test_what_is_wrong_with_a_target_is_told_with_its_place(
    deployment: Deployment, table: str, refusal: str
) -> None:
    deployment.write("host.toml", f"[transfers.desk]\nnumber = '{NUMBER}'\n{table}\n")
    with pytest.raises(HostError) as refused:
        load_settings()
    assert "host.toml: [transfers" in str(refused.value)
    assert refusal in str(refused.value)


@pytest.mark.parametrize("more", [{"warm": True}, {"keys": "1"}, {"mode": "bridge"}])
@pytest.mark.parametrize(
    "address", ["sip:bob", "sips:pbx.example", "sip:bob@pbx.example;lr", "sip:bob@pbx/x"]
)
def test_a_sip_address_that_can_not_be_called_is_refused(
    address: str, more: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match="has a user, a host"):
        TransferTarget.model_validate({"number": address, **more})
    assert TransferTarget(number=address).may_refer


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("bob@pbx.example", SipAddress("bob", "pbx.example")),
        ("sip:+15550001111@10.0.0.1:5070", SipAddress("+15550001111", "10.0.0.1:5070")),
        ("SIPS:bob@pbx.example", SipAddress("bob", "pbx.example", "tls")),
        ("sip:bob@[::1];transport=TCP", SipAddress("bob", "[::1]", "tcp")),
        ("sip:bob@pbx.example;transport=sctp", None),
        ("sip:bob@evil@pbx.example", None),
        ("sip:bob@pbx.example\r\nVia: x", None),
        ("sip:@pbx.example", None),
        ("+15550001111", None),
    ],
)
def test_a_sip_address_has_a_user_a_host_and_a_transport(
    text: str, address: SipAddress | None
) -> None:
    assert SipAddress.parse(text) == address


def test_a_list_of_targets_is_tried_in_its_order() -> None:
    settings = PersonaSettings.model_validate(
        {"transfers": {"nurses": [NUMBER, {"number": "+15550003102", "warm": True}, "sip:desk"]}}
    )
    targets = list(settings.transfers["nurses"].in_order())
    assert [each.number for each in targets] == [NUMBER, "+15550003102", "sip:desk"]
    assert [each.warm for each in targets] == [False, True, False]


def test_a_list_without_a_target_is_refused() -> None:
    with pytest.raises(ValueError, match="must name a target"):
        PersonaSettings.model_validate({"transfers": {"nurses": []}})
