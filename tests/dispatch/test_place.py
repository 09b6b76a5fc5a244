"""Placing calls: what a request becomes before anything is sent."""

from __future__ import annotations

import json

import pytest
from deployment import Deployment

from host.base.errors import HostError, MetadataError
from host.call.dispatch import RESERVED, Dispatch, read_dispatch
from host.dispatch.place import details_of, metadata_of, room_for
from host.settings import load_settings

NUMBER = "+15552220001"


def test_requests_of_one_key_meet_in_one_room_of_their_persona() -> None:
    assert room_for("ann", "order 7") == room_for("ann", "order 7")
    assert room_for("ann", "order 7").startswith("ann-")
    assert room_for("ann", "order 7") != room_for("ann", "order 8")
    assert room_for("ann", "order 7") != room_for("bob", "order 7")


def test_a_request_without_a_key_has_a_room_of_its_own() -> None:
    assert len({room_for("ann", None) for _ in range(100)}) == 100


def test_a_room_s_name_tells_nothing_of_the_key() -> None:
    assert "secret" not in room_for("ann", "secret order")


def test_the_key_and_the_reference_travel_in_the_metadata(deployment: Deployment) -> None:
    deployment.persona("ann")
    metadata = json.loads(metadata_of(load_settings(), "ann", NUMBER, {}, "order 7", "L-17"))
    ids = {"idempotency_key": "order 7", "reference": "L-17"}
    assert metadata == {"persona": "ann", "phone_number": NUMBER, **ids}


def test_keys_to_dial_with_travel_in_the_metadata(deployment: Deployment) -> None:
    deployment.persona("ann")
    metadata = metadata_of(load_settings(), "ann", NUMBER, {}, dtmf="ww1A2,#")
    assert json.loads(metadata) == {"persona": "ann", "phone_number": NUMBER, "dtmf": "ww1A2,#"}
    assert read_dispatch(metadata).dtmf == "ww1A2,#"


@pytest.mark.parametrize("dtmf", [None, ""])
def test_a_dial_may_have_no_keys(dtmf: str | None) -> None:
    assert Dispatch(metadata={"dtmf": dtmf}).dtmf == ""
    assert Dispatch().dtmf == ""


@pytest.mark.parametrize("name", RESERVED)
def test_what_the_command_has_an_argument_for_is_no_detail(name: str) -> None:
    with pytest.raises(HostError, match="the command has an argument for it"):
        details_of([f"{name}=1"])


def test_the_number_to_show_travels_in_the_metadata(deployment: Deployment) -> None:
    deployment.persona("ann")
    shown = "+15550001111"
    metadata = metadata_of(load_settings(), "ann", NUMBER, {}, caller_id=shown)
    assert json.loads(metadata) == {"persona": "ann", "phone_number": NUMBER, "caller_id": shown}
    with pytest.raises(MetadataError, match="caller_id in the metadata is not an E.164 number"):
        metadata_of(load_settings(), "ann", NUMBER, {}, caller_id="5550001111")


def test_a_key_that_can_not_be_used_is_told_before_anything_is_dispatched(
    deployment: Deployment,
) -> None:
    deployment.persona("ann")
    with pytest.raises(MetadataError, match="idempotency_key"):
        metadata_of(load_settings(), "ann", NUMBER, {}, "x" * 201)
    with pytest.raises(MetadataError, match="reference"):
        metadata_of(load_settings(), "ann", NUMBER, {}, None, "two\nlines")
